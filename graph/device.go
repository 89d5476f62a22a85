package graph

import (
	"context"
	"net/http"

	"github.com/souklive/souk/internal/httpx"
	"github.com/souklive/souk/internal/risk"
)

// A client says in the header Souk-Device, or in the payload of connection_init, what it calls the device that it runs on: something that it made up once, and keeps.
const (
	deviceMin = 16
	deviceMax = 128
)

type deviceKey struct{}

// withDevice notes what a client calls its device. What has not the form is none: nothing is refused for it.
func withDevice(ctx context.Context, device string) context.Context {
	if len(device) < deviceMin || len(device) > deviceMax {
		return ctx
	}
	for _, c := range []byte(device) {
		if c <= ' ' || c > '~' {
			return ctx
		}
	}
	return context.WithValue(ctx, deviceKey{}, device)
}

// deviceIn is what a request says of its device.
func deviceIn(r *http.Request) string { return r.Header.Get(httpx.DeviceHeader) }

// comesFrom is where what moves money comes from.
func comesFrom(ctx context.Context) risk.From {
	device, _ := ctx.Value(deviceKey{}).(string)
	return risk.From{Client: httpx.Client(ctx), Device: device}
}
