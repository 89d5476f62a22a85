package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/obs"
	"github.com/souklive/souk/internal/risk"
)

// inProduction is everything that production asks for.
func inProduction() []string {
	return []string{
		"SOUK_ENV=production",
		"SOUK_PUBLIC_URL=https://souk.example",
		"DATABASE_URL=postgres://souk_server:pg-pass@db.example/souk",
		"REDIS_URL=redis://:redis-pass@redis.example:6379/0",
		"STRIPE_SECRET_KEY=sk_live_abcdef",
		"STRIPE_WEBHOOK_SECRET=whsec_abcdef",
		"SOUK_SIGNING_KEY=0123456789abcdef0123456789abcdef",
		"SOUK_CODE_KEYS=2026:" + strings.Repeat("1f", 32) + ",2025:" + strings.Repeat("2f", 32),
		"SOUK_CODE_HASH_KEY=" + strings.Repeat("3f", 32),
	}
}

// blamed is the settings that loading complains about, in order of their names.
func blamed(t *testing.T, environ []string) []string {
	t.Helper()
	_, err := loadConfig(environ)
	var problems configError
	if err != nil && !errors.As(err, &problems) {
		t.Fatalf("not a list of problems: %v", err)
	}
	var names []string
	for _, p := range problems {
		names = append(names, p.setting)
		if !strings.Contains(err.Error(), p.setting) || !strings.Contains(err.Error(), p.reason) {
			t.Errorf("the message leaves out %s: %s", p.setting, p.reason)
		}
	}
	slices.Sort(names)
	return names
}

func TestDefaultsNeedNothing(t *testing.T) {
	t.Parallel()
	c, err := loadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Env != development || c.Addr != "127.0.0.1:8080" || c.PlatformFeeBP != 500 || c.LogFormat != obs.Text ||
		c.LogLevel != slog.LevelInfo || c.ShutdownTimeout != 20*time.Second || c.IsSet("SOUK_ADDR") {
		t.Errorf("defaults: %+v", c)
	}
}

// The limits of risk are those that hold where nobody says otherwise, and are written as they are read.
func TestLimitsOfRisk(t *testing.T) {
	t.Parallel()
	c, err := loadConfig(nil)
	if err != nil || c.riskLimits() != risk.DefaultLimits() {
		t.Errorf("%v: %+v", err, c.riskLimits())
	}
	c, err = loadConfig([]string{"SOUK_RISK_PLACE=off", "SOUK_RISK_CHECKOUTS=1000/168h"})
	if err != nil || c.RiskPlace != (risk.Limit{}) || c.RiskCheckouts != (risk.Limit{Most: 1000, Within: 168 * time.Hour}) || fmt.Sprint(c.RiskPlace, c.RiskCheckouts) != "off 1000/168h0m0s" {
		t.Errorf("%v: %s, %s", err, c.RiskPlace, c.RiskCheckouts)
	}
}

func TestSettingsAreRead(t *testing.T) {
	t.Parallel()
	c, err := loadConfig([]string{
		"SOUK_ADDR=0.0.0.0:9000", "SOUK_ALLOWED_ORIGINS=https://a.example/, https://b.example", "SOUK_LOG_LEVEL=debug",
		"SOUK_LOG_FORMAT=json", "SOUK_TRUSTED_PROXIES=10.0.0.0/8,fd00::/8", "SOUK_PUBLIC_URL=https://x.example/",
		"SOUK_DB_MAX_CONNS=7", "SOUK_SHUTDOWN_TIMEOUT=3s", "SOUK_PLATFORM_FEE_BP=0",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := []string(c.AllowedOrigins); !slices.Equal(got, []string{"https://a.example", "https://b.example"}) {
		t.Errorf("origins: %q", got)
	}
	if c.LogLevel != slog.LevelDebug || c.LogFormat != obs.JSON || len(c.TrustedProxies) != 2 || c.PublicURL != "https://x.example" ||
		c.DBMaxConns != 7 || c.ShutdownTimeout != 3*time.Second || c.PlatformFeeBP != 0 || !c.IsSet("SOUK_ADDR") {
		t.Errorf("read: %+v", c)
	}
}

func TestEmptyIsNotSet(t *testing.T) {
	t.Parallel()
	c, err := loadConfig([]string{"SOUK_ADDR=", "SOUK_LOG_LEVEL=", "DATABASE_URL="})
	if err != nil || c.Addr != "127.0.0.1:8080" || c.IsSet("SOUK_ADDR") {
		t.Errorf("%v: %+v", err, c)
	}
}

func TestEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	got := blamed(t, []string{
		"SOUK_ENV=staging", "SOUK_ADDR=8080", "SOUK_METRICS_ADDR=:99999", "SOUK_PUBLIC_URL=souk.example",
		"SOUK_ALLOWED_ORIGINS=https://a.example/path", "SOUK_TRUSTED_PROXIES=ten", "DATABASE_URL=mysql://x",
		"DATABASE_ADMIN_URL=postgres://x:y@host:port/z", "REDIS_URL=http://x", "STRIPE_SECRET_KEY=pk_test_1", "STRIPE_API_URL=nowhere",
		"STRIPE_WEBHOOK_SECRET=we_1",
		"SOUK_SIGNING_KEY=short", "SOUK_DB_MAX_CONNS=0", "SOUK_PLATFORM_FEE_BP=10001", "SOUK_LOG_LEVEL=loud",
		"SOUK_LOG_FORMAT=xml", "SOUK_SHUTDOWN_TIMEOUT=forever", "SOUK_FX_RATES_URL=ecb", "SOUK_FX_MAX_AGE=1m", "SOUK_EXCHANGE_MARGIN_BP=-1", "SOUK_REFERRAL_BP=-1", "SOUK_RETURN_WINDOW=0",
		"SOUK_PAY_WITHIN=59s", "SOUK_COMPLETE_AFTER_DELIVERY=59s", "SOUK_COMPLETE_AFTER_SENDING=2161h", "SOUK_SECOND_CHANCE_FOR=721h", "SOUK_VIDEO=zoom", "AGORA_APP_ID=1", "AGORA_APP_CERTIFICATE=2", "LIVEKIT_URL=https://livekit.example",
		"SOUK_S3_BUCKET=B", "SOUK_S3_ENDPOINT=minio", "SOUK_S3_REGION=far away", "SOUK_CODE_KEYS=short", "SOUK_CODE_HASH_KEY=shorter", "SOUK_FLASH_ACCOUNT_AGE=-1s",
		"MONDIAL_RELAY_ENSEIGNE=x", "MONDIAL_RELAY_PREPAID=maybe", "FEDEX_ACCOUNT=12", "RELAIS_COLIS_ENSEIGNE=a-b", "SOUK_GEOCODER=bing", "GOOGLE_MAPS_KEY=x", "FEDEX_WEBHOOK_TOKEN=short", "FEDEX_API_URL=nowhere",
		"SOUK_PROBLEM_ANSWER_WITHIN=59s", "SOUK_PROBLEM_RETURN_WITHIN=2161h", "SOUK_PROBLEM_DECIDE_WITHIN=0s",
		"SOUK_RISK_CHECKOUTS=0/10m", "SOUK_RISK_FAILED_CARDS=8", "SOUK_RISK_CARD_FAILED=1001/1h", "SOUK_RISK_CARD_USERS=3/1ms", "SOUK_RISK_PLACE=-1/1h", "SOUK_RISK_CLIENT=many", "SOUK_RISK_DEVICE=5/1000h",
	})
	var want []string
	for _, f := range settingFields() {
		if !slices.Contains([]string{"SOUK_STATE_DIR", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "SOUK_CODE_HASH_KEY"}, f.name) { // where anything goes; the last is blamed by SOUK_CODE_KEYS
			want = append(want, f.name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("blamed %q\nwant   %q", got, want)
	}
}

func TestMistakesOneByOne(t *testing.T) {
	t.Parallel()
	for _, pair := range []string{
		"SOUK_ADDR=localhost:http", "SOUK_ADDR=127.0.0.1:-1", "SOUK_PUBLIC_URL=ftp://x", "SOUK_PUBLIC_URL=https://x/path",
		"SOUK_DB_MAX_CONNS=1", "SOUK_DB_MAX_CONNS=many", "SOUK_DB_MAX_CONNS=99999999999", "SOUK_PLATFORM_FEE_BP=-1",
		"SOUK_PLATFORM_FEE_BP=2.5", "SOUK_SHUTDOWN_TIMEOUT=0", "SOUK_SHUTDOWN_TIMEOUT=1h", "STRIPE_SECRET_KEY=sk_live_1",
		"SOUK_ALLOWED_ORIGINS=*.example", "REDIS_URL=redis://host:port", "REDIS_URL=redis://host:1/3?addr=host:2", "SOUK_FX_MAX_AGE=169h", "SOUK_EXCHANGE_MARGIN_BP=2001",
		"SOUK_REFERRAL_BP=10001", "SOUK_RETURN_WINDOW=2161h",
		"SOUK_FX_RATES_URL=file:///etc/passwd",
	} {
		name, _, _ := strings.Cut(pair, "=")
		if got := blamed(t, []string{pair}); !slices.Equal(got, []string{name}) {
			t.Errorf("%s blames %q", pair, got)
		}
	}
}

func TestProductionNamesEachPlayDefault(t *testing.T) {
	t.Parallel()
	if got := blamed(t, inProduction()); len(got) != 0 {
		t.Errorf("a whole configuration is refused: %q", got)
	}
	want := []string{"DATABASE_URL", "REDIS_URL", "SOUK_CODE_HASH_KEY", "SOUK_CODE_KEYS", "SOUK_PUBLIC_URL", "SOUK_SIGNING_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"}
	if got := blamed(t, []string{"SOUK_ENV=production"}); !slices.Equal(got, want) {
		t.Errorf("blamed %q, want %q", got, want)
	}
	for i, pair := range inProduction()[1:] {
		name, _, _ := strings.Cut(pair, "=")
		if got := blamed(t, slices.Delete(inProduction(), i+1, i+2)); !slices.Equal(got, []string{name}) {
			t.Errorf("without %s: %q", name, got)
		}
	}
	if got := blamed(t, append(inProduction(), "STRIPE_API_URL=http://127.0.0.1:12111")); !slices.Equal(got, []string{"STRIPE_API_URL"}) {
		t.Errorf("another Stripe in production: %q", got)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	environ := append(inProduction(), "STRIPE_SECRET_KEY=sk_test_1", "SOUK_PUBLIC_URL=http://souk.example", "SOUK_ALLOWED_ORIGINS=*", "SOUK_ADDRESS=x",
		"SOUK_FX_RATES_URL=http://rates.example")
	c, err := loadConfig(environ)
	if err != nil {
		t.Fatal(err)
	}
	warnings := strings.Join(c.warnings(), "\n")
	for _, name := range []string{"STRIPE_SECRET_KEY", "SOUK_PUBLIC_URL", "SOUK_ALLOWED_ORIGINS", "SOUK_ADDRESS", "SOUK_FX_RATES_URL"} {
		if !strings.Contains(warnings, name) {
			t.Errorf("no warning about %s in:\n%s", name, warnings)
		}
	}
	if c, err = loadConfig(inProduction()); err != nil || len(c.warnings()) != 0 {
		t.Errorf("%v; warnings about nothing: %q", err, c.warnings())
	}
}

func TestOneRoleAloneNeedsWhatIsShared(t *testing.T) {
	t.Parallel()
	c, err := loadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.checkRole(roleAll); err != nil {
		t.Errorf("all roles at once: %v", err)
	}
	for _, r := range []role{roleAPI, roleWorker} {
		err := c.checkRole(r)
		for _, name := range []string{"DATABASE_URL", "REDIS_URL", "STRIPE_SECRET_KEY"} {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v, want %s in it", r, err, name)
			}
		}
	}
}

// secrets are what must never be printed, as inProduction has them.
var secrets = []string{"pg-pass", "redis-pass", "sk_live_abcdef", "0123456789abcdef"}

func TestNoWayOfPrintingShowsASecret(t *testing.T) {
	t.Parallel()
	c, err := loadConfig(inProduction())
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	log := obs.NewLogger(&logged, slog.LevelInfo, obs.Text)
	log.Info("settings", "settings", c, "database", c.DatabaseURL, "key", c.StripeSecretKey)
	prints := map[string]string{
		"%v": fmt.Sprintf("%v", c), "%+v": fmt.Sprintf("%+v", c), "%#v": fmt.Sprintf("%#v", c),
		"%s": fmt.Sprintf("%s %s", c.StripeSecretKey, c.DatabaseURL), "%q": fmt.Sprintf("%q %q", c.StripeSecretKey, c.DatabaseURL),
		"json": string(asJSON), "slog": logged.String(),
	}
	for way, text := range prints {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %q: %s", way, secret, text)
			}
		}
	}
	if !strings.Contains(logged.String(), "db.example") || !strings.Contains(logged.String(), "SOUK_ENV=production") {
		t.Errorf("the log does not say what is set: %s", logged.String())
	}
	if c.StripeSecretKey.Reveal() != "sk_live_abcdef" {
		t.Error("the secret itself is lost")
	}
}

func TestErrorsQuoteNoSecret(t *testing.T) {
	t.Parallel()
	_, err := loadConfig([]string{
		"DATABASE_URL=postgres://souk:hunter2@host:port/x", "DATABASE_ADMIN_URL=host=x password='hunter2", "REDIS_URL=redis://:hunter2@host:x",
		"STRIPE_SECRET_KEY=hunter2", "SOUK_SIGNING_KEY=hunter2",
	})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestSecretURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[SecretURL]string{
		"":                                     "",
		"postgres://u:p@h/d":                   "postgres://u:xxxxx@h/d",
		"postgres://h/d?password=p&user=u":     "postgres://h/d?password=xxxxx&user=u",
		"redis://:p@h:1/0":                     "redis://:xxxxx@h:1/0",
		"host=h password=p user=u":             "host=h password=[redacted] user=u",
		"host=h PASSWORD = 'p \\' q' user=u":   "host=h PASSWORD = [redacted] user=u",
		"host=h sslpassword=p\\ q user=u":      "host=h sslpassword=[redacted] user=u",
		"postgres://u:p%zz@h/d":                redacted,
		"p":                                    redacted,
		"postgres:///souk?host=%2Frun&user=me": "postgres:///souk?host=%2Frun&user=me",
	} {
		if got := in.String(); got != want {
			t.Errorf("%q prints as %q, want %q", in.Reveal(), got, want)
		}
	}
}
