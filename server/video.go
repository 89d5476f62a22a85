package main

import (
	"fmt"
	"strings"

	"github.com/souklive/souk/internal/video"
)

// videoProvider is who carries the video of shows.
type videoProvider string

const (
	videoNone    videoProvider = "none"
	videoAgora   videoProvider = "agora"
	videoLiveKit videoProvider = "livekit"
)

// UnmarshalText accepts the known providers.
func (p *videoProvider) UnmarshalText(text []byte) error {
	switch v := videoProvider(text); v {
	case videoNone, videoAgora, videoLiveKit:
		*p = v
		return nil
	default:
		return fmt.Errorf("%q is no video provider; use agora, livekit or none", text)
	}
}

// checkVideo wants all settings of the chosen provider, and each that is there to be good.
func (c Config) checkVideo(wrong func(name, format string, args ...any)) {
	anything := func(string) error { return nil }
	for _, setting := range []struct {
		provider    videoProvider
		name, value string
		check       func(string) error
	}{
		{videoAgora, "AGORA_APP_ID", c.AgoraAppID, video.CheckAgoraID},
		{videoAgora, "AGORA_APP_CERTIFICATE", c.AgoraAppCertificate.Reveal(), video.CheckAgoraID},
		{videoLiveKit, "LIVEKIT_URL", c.LiveKitURL, video.CheckLiveKitURL},
		{videoLiveKit, "LIVEKIT_API_KEY", c.LiveKitAPIKey, anything},
		{videoLiveKit, "LIVEKIT_API_SECRET", c.LiveKitAPISecret.Reveal(), anything},
	} {
		if setting.value != "" {
			if err := setting.check(setting.value); err != nil {
				wrong(setting.name, "%s", err)
			}
		} else if c.Video == setting.provider {
			wrong(setting.name, "is required with SOUK_VIDEO=%s", c.Video)
		}
	}
}

// videoWarnings is what will not do what its author meant.
func (c Config) videoWarnings() []string {
	var warnings []string
	for name, provider := range map[string]videoProvider{"AGORA_APP_ID": videoAgora, "LIVEKIT_URL": videoLiveKit} {
		if c.explicit[name] && c.Video != provider {
			warnings = append(warnings, fmt.Sprintf("%s is set, but SOUK_VIDEO is %s: it is not used", name, c.Video))
		}
	}
	if c.Env == production && c.Video == videoLiveKit && strings.HasPrefix(c.LiveKitURL, "ws://") {
		warnings = append(warnings, "LIVEKIT_URL is not wss: tokens travel in the clear")
	}
	return warnings
}

// videoSigner signs for the provider that is configured; nil where there is none.
func videoSigner(c Config) (video.Signer, error) {
	switch c.Video {
	case videoAgora:
		return video.NewAgora(c.AgoraAppID, c.AgoraAppCertificate.Reveal())
	case videoLiveKit:
		return video.NewLiveKit(c.LiveKitURL, c.LiveKitAPIKey, c.LiveKitAPISecret.Reveal())
	case videoNone:
	}
	return nil, nil
}
