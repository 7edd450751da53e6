// Writes the same three statements with the logger named in the first argument, as its users set it up.
package main

import (
	"errors"
	"log"
	"log/slog"
	"os"

	"github.com/rs/zerolog"
	"go.uber.org/zap"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
)

var errNoCard = errors.New("no card")

func main() {
	map[string]func(){
		"slog-json":       func() { useSlog(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{AddSource: true})) },
		"slog-text":       func() { useSlog(slog.NewTextHandler(os.Stdout, nil)) },
		"zap":             useZap,
		"zap-development": useZapDevelopment,
		"zerolog":         useZerolog,
		"log":             useLog,
	}[os.Args[1]]()
}

func useSlog(handler slog.Handler) {
	logger := slog.New(handler)
	logger.Info("order placed", "orderId", 7, "trace_id", traceID, "span_id", spanID)
	logger.Warn("slow query")
	logger.Error("payment failed", "error", errNoCard)
}

func useZap() {
	logger, _ := zap.NewProduction()
	logger.Info("order placed", zap.Int("orderId", 7), zap.String("trace_id", traceID), zap.String("span_id", spanID))
	logger.Warn("slow query")
	logger.Error("payment failed", zap.Error(errNoCard))
}

func useZapDevelopment() {
	logger, _ := zap.NewDevelopment()
	logger.Info("order placed")
	logger.Warn("slow query")
	logger.Error("payment failed", zap.Error(errNoCard))
}

func useZerolog() {
	logger := zerolog.New(os.Stdout).With().Timestamp().Caller().Logger()
	logger.Info().Int("orderId", 7).Str("trace_id", traceID).Str("span_id", spanID).Msg("order placed")
	logger.Warn().Msg("slow query")
	logger.Error().Err(errNoCard).Msg("payment failed")
}

func useLog() {
	log.Print("order placed")
	log.Panic("no card")
}
