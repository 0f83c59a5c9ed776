// WRONG: hashes the output of encoding/json instead of the raw body.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"
)

var secret = []byte(os.Getenv("PLEXOS_WEBHOOK_SECRET"))

func isAuthentic(header http.Header, body []byte) bool {
	timestamp := header.Get("X-Plexos-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	age := time.Since(time.Unix(seconds, 0))
	if err != nil || age > 5*time.Minute || age < -5*time.Minute {
		return false
	}
	var parsed any
	if json.Unmarshal(body, &parsed) != nil {
		return false
	}
	body, _ = json.Marshal(parsed)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	given, err := hex.DecodeString(header.Get("X-Plexos-Signature"))
	return err == nil && hmac.Equal(given, mac.Sum(nil))
}

func webhook(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, 5<<20))
	var event map[string]any
	if err != nil || !isAuthentic(request.Header, body) || json.Unmarshal(body, &event) != nil || event == nil {
		response.WriteHeader(http.StatusBadRequest)
		return
	}
	log.Println(event["type"], event["id"])
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	http.HandleFunc("/webhooks/plexos", webhook)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}
