// Gin: call io.ReadAll on the body before any c.Bind or c.ShouldBind; c.ShouldBindJSON consumes the body.
package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// hmac.Equal compares in constant time and returns false when the lengths differ.
func isSigned(secret, signature string, parts ...[]byte) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	for _, part := range parts {
		mac.Write(part)
	}
	given, err := hex.DecodeString(signature)
	return err == nil && secret != "" && hmac.Equal(given, mac.Sum(nil))
}

func rawBody(c *gin.Context) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, 5<<20))
}

func Register(router *gin.Engine) {
	router.POST("/webhooks/plexos", func(c *gin.Context) {
		body, err := rawBody(c)
		stamp := c.GetHeader("X-Plexos-Timestamp")
		seconds, notANumber := strconv.ParseInt(stamp, 10, 64)
		age := time.Now().Unix() - seconds
		isFresh := notANumber == nil && -300 <= age && age <= 300
		secret := os.Getenv("PLEXOS_WEBHOOK_SECRET")
		if err != nil || !isFresh || !isSigned(secret, c.GetHeader("X-Plexos-Signature"), []byte(stamp+"."), body) {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.Status(http.StatusOK) // now json.Unmarshal(body, …), and process it once per id
	})

	router.POST("/webhooks/plustive", func(c *gin.Context) {
		body, err := rawBody(c)
		signature := c.GetHeader("X-Plustive-Signature")
		if len(signature) > 7 && strings.EqualFold(signature[:7], "sha256=") {
			signature = signature[7:]
		}
		if err != nil || !isSigned(os.Getenv("PLUSTIVE_WEBHOOK_SECRET"), signature, body) {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.Status(http.StatusOK) // now json.Unmarshal(body, …), and process it once per reference and status
	})
}
