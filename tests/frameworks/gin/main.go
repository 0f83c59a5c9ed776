package main

import (
	"os"

	"github.com/gin-gonic/gin"

	"shop/webhooks"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	router := gin.Default()
	webhooks.Register(router)
	if err := router.Run("127.0.0.1:" + os.Getenv("PORT")); err != nil {
		panic(err)
	}
}
