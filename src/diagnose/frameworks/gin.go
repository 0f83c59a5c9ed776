// Gin: call io.ReadAll on the body before any c.Bind or c.ShouldBind; c.ShouldBindJSON consumes the body.
package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

func rawBody(c *gin.Context) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, 5<<20))
}

// hmac.Equal compares in constant time and returns false if the lengths differ.
func isSigned(variable, signature string, parts ...[]byte) bool {
	secret := os.Getenv(variable)
	mac := hmac.New(sha256.New, []byte(secret))
	for _, part := range parts {
		mac.Write(part)
	}
	given, err := hex.DecodeString(signature)
	return err == nil && secret != "" && hmac.Equal(given, mac.Sum(nil))
}

func Register(router gin.IRouter) {
	router.POST("/webhooks/plexos", func(c *gin.Context) {
		body, err := rawBody(c)
		stamp := c.GetHeader("X-Plexos-Timestamp")
		seconds, notANumber := strconv.ParseInt(stamp, 10, 64)
		age := time.Now().Unix() - seconds
		isFresh := notANumber == nil && -300 <= age && age <= 300
		signature := c.GetHeader("X-Plexos-Signature")
		if err != nil || !isFresh || !isSigned("PLEXOS_WEBHOOK_SECRET", signature, []byte(stamp+"."), body) {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		var event map[string]any
		if json.Unmarshal(body, &event) != nil || event == nil {
			c.AbortWithStatus(http.StatusBadRequest)
			return
		}
		// Store event here, and process it later, once per event["id"].
		c.Status(http.StatusOK)
	})

	router.POST("/webhooks/plustive", func(c *gin.Context) {
		body, err := rawBody(c)
		signature := c.GetHeader("X-Plustive-Signature")
		if len(signature) > 7 && strings.EqualFold(signature[:7], "sha256=") {
			signature = signature[7:]
		}
		if err != nil || !isSigned("PLUSTIVE_WEBHOOK_SECRET", signature, body) {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		var event map[string]any
		if json.Unmarshal(body, &event) != nil || event == nil {
			c.AbortWithStatus(http.StatusBadRequest)
			return
		}
		// Store event here, and process it later, once per event["reference"] and status.
		c.Status(http.StatusOK)
	})
}
