package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

func main() {
	http.HandleFunc("/v1/payments/", func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":"%s","externalId":null,"amount":"10000","currency":"CVE","status":"SETTLED","feeAmount":"200","netAmount":"9800","createdAt":"2026-11-27T10:00:00Z","updatedAt":"2026-11-27T10:05:00Z"}`, id)
	})
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	os.WriteFile("port", []byte(fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)), 0644)
	http.Serve(listener, nil)
}
