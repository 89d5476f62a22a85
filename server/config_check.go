package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souklive/souk/internal/redisx"
)

// problems checks what parsing cannot: ranges, addresses, and what production demands. Settings that
// could not even be read have been complained about.
func (c Config) problems(unreadable []problem) []problem {
	var found []problem
	wrong := func(name, format string, args ...any) {
		if !slices.ContainsFunc(unreadable, func(p problem) bool { return p.setting == name }) {
			found = append(found, problem{name, fmt.Sprintf(format, args...)})
		}
	}
	check := func(name string, set bool, err error) {
		if set && err != nil {
			wrong(name, "%s", err)
		}
	}
	check("SOUK_ADDR", true, checkAddr(c.Addr))
	check("SOUK_METRICS_ADDR", c.MetricsAddr != "", checkAddr(c.MetricsAddr))
	check("SOUK_PUBLIC_URL", c.PublicURL != "", checkOrigin(c.PublicURL))
	for _, origin := range c.AllowedOrigins {
		check("SOUK_ALLOWED_ORIGINS", origin != "*", checkOrigin(origin))
	}
	check("DATABASE_URL", c.DatabaseURL != "", checkPostgres(c.DatabaseURL))
	check("DATABASE_ADMIN_URL", c.DatabaseAdminURL != "", checkPostgres(c.DatabaseAdminURL))
	check("REDIS_URL", c.RedisURL != "", checkRedis(c.RedisURL))
	check("STRIPE_SECRET_KEY", c.StripeSecretKey != "", c.checkStripeKey())
	if secret := c.StripeWebhookSecret.Reveal(); secret != "" && !strings.HasPrefix(secret, "whsec_") {
		wrong("STRIPE_WEBHOOK_SECRET", "is no secret of a webhook endpoint's (whsec_…)")
	}
	check("STRIPE_API_URL", c.StripeAPIURL != "", checkURL(c.StripeAPIURL))
	check("SOUK_S3_ENDPOINT", c.S3Endpoint != "", checkURL(c.S3Endpoint))
	c.checkBucket(wrong)
	if c.IsSet("SOUK_DB_MAX_CONNS") && (c.DBMaxConns < 2 || c.DBMaxConns > 1000) {
		wrong("SOUK_DB_MAX_CONNS", "%d is outside 2 to 1000", c.DBMaxConns)
	}
	if c.SigningKey != "" && len(c.SigningKey) < 32 {
		wrong("SOUK_SIGNING_KEY", "is shorter than 32 characters")
	}
	if c.PlatformFeeBP < 0 || c.PlatformFeeBP > 10_000 {
		wrong("SOUK_PLATFORM_FEE_BP", "%d is outside 0 to 10000", c.PlatformFeeBP)
	}
	if c.ReferralBP < 0 || c.ReferralBP > 10_000 {
		wrong("SOUK_REFERRAL_BP", "%d is outside 0 to 10000", c.ReferralBP)
	}
	if c.ReturnWindow < time.Minute || c.ReturnWindow > 90*24*time.Hour {
		wrong("SOUK_RETURN_WINDOW", "%s is outside 1m to 2160h", c.ReturnWindow)
	}
	if c.FlashAccountAge < 0 || c.FlashAccountAge > 366*24*time.Hour {
		wrong("SOUK_FLASH_ACCOUNT_AGE", "%s is outside 0s to 8784h", c.FlashAccountAge)
	}
	for name, d := range map[string]time.Duration{"SOUK_PAY_WITHIN": c.PayWithin, "SOUK_SECOND_CHANCE_FOR": c.SecondChanceFor} {
		if d < time.Minute || d > 30*24*time.Hour {
			wrong(name, "%s is outside 1m to 720h", d)
		}
	}
	for name, d := range map[string]time.Duration{"SOUK_COMPLETE_AFTER_DELIVERY": c.CompleteAfterDelivery, "SOUK_COMPLETE_AFTER_SENDING": c.CompleteAfterSending,
		"SOUK_PROBLEM_ANSWER_WITHIN": c.ProblemAnswerWithin, "SOUK_PROBLEM_RETURN_WITHIN": c.ProblemReturnWithin, "SOUK_PROBLEM_DECIDE_WITHIN": c.ProblemDecideWithin} {
		if d < time.Minute || d > 90*24*time.Hour {
			wrong(name, "%s is outside 1m to 2160h", d)
		}
	}
	check("SOUK_FX_RATES_URL", c.FXRatesURL != "", checkURL(c.FXRatesURL))
	if c.FXMaxAge < time.Hour || c.FXMaxAge > 7*24*time.Hour {
		wrong("SOUK_FX_MAX_AGE", "%s is outside 1h to 168h", c.FXMaxAge)
	}
	if c.ExchangeMarginBP < 0 || c.ExchangeMarginBP > 2_000 {
		wrong("SOUK_EXCHANGE_MARGIN_BP", "%d is outside 0 to 2000", c.ExchangeMarginBP)
	}
	if c.ShutdownTimeout < time.Second || c.ShutdownTimeout > 10*time.Minute {
		wrong("SOUK_SHUTDOWN_TIMEOUT", "%s is outside 1s to 10m", c.ShutdownTimeout)
	}
	if (c.MondialRelayKey == "") != (c.MondialRelayEnseigne == "") {
		wrong("MONDIAL_RELAY_KEY", "goes together with MONDIAL_RELAY_ENSEIGNE")
	}
	if c.MondialRelayEnseigne != "" && !enseigne.MatchString(c.MondialRelayEnseigne) {
		wrong("MONDIAL_RELAY_ENSEIGNE", "is no account of Mondial Relay's: 8 letters and digits")
	}
	if (c.GoogleMapsKey != "") != (c.Geocoder == geocodedByGoogle) {
		wrong("GOOGLE_MAPS_KEY", "goes together with SOUK_GEOCODER=google")
	}
	check("FEDEX_API_URL", c.FedExAPIURL != "", checkURL(c.FedExAPIURL))
	c.checkFedEx(wrong)
	c.checkRelaisColis(wrong)
	c.checkCodeKeys(wrong)
	c.checkVideo(wrong)
	c.checkProduction(wrong)
	return found
}

// checkFedEx wants all that an account at FedEx needs where there is one.
func (c Config) checkFedEx(wrong func(name, format string, args ...any)) {
	if token := c.FedExWebhookToken.Reveal(); token != "" && len(token) < 16 {
		wrong("FEDEX_WEBHOOK_TOKEN", "is shorter than 16 characters: anybody could guess it")
	}
	together(wrong, map[string]string{"FEDEX_CLIENT_ID": c.FedExClientID, "FEDEX_CLIENT_SECRET": c.FedExClientSecret.Reveal(), "FEDEX_ACCOUNT": c.FedExAccount})
	if c.FedExAccount != "" && !fedexAccount.MatchString(c.FedExAccount) {
		wrong("FEDEX_ACCOUNT", "is no account of FedEx's: 9 digits")
	}
}

// fedexAccount is how FedEx numbers its accounts.
var fedexAccount = regexp.MustCompile(`^[0-9]{9}$`)

// checkRelaisColis wants all that an account at Relais Colis needs where there is one, and somebody who knows where streets are.
func (c Config) checkRelaisColis(wrong func(name, format string, args ...any)) {
	together(wrong, map[string]string{"RELAIS_COLIS_KEY": c.RelaisColisKey.Reveal(), "RELAIS_COLIS_LIST_KEY": c.RelaisColisListKey.Reveal(), "RELAIS_COLIS_ENSEIGNE": c.RelaisColisEnseigne})
	if c.RelaisColisEnseigne != "" && !colisEnseigne.MatchString(c.RelaisColisEnseigne) {
		wrong("RELAIS_COLIS_ENSEIGNE", "is no code of Relais Colis's: up to 4 letters and digits")
	}
	if c.RelaisColisKey != "" && (c.Geocoder == geocodedByNobody || c.Geocoder == "" && c.Env == production) {
		wrong("SOUK_GEOCODER", "is needed by Relais Colis, whose relays are looked for by coordinates")
	}
}

// colisEnseigne is what Relais Colis calls an account.
var colisEnseigne = regexp.MustCompile(`^[0-9A-Z]{1,4}$`)

// together blames what is missing of settings that go together.
func together(wrong func(name, format string, args ...any), settings map[string]string) {
	if strings.Join(slices.Collect(maps.Values(settings)), "") == "" {
		return
	}
	for name, value := range settings {
		if value == "" {
			wrong(name, "goes together with %s", strings.Join(slices.Sorted(maps.Keys(settings)), ", "))
		}
	}
}

// enseigne is what Mondial Relay calls an account.
var enseigne = regexp.MustCompile(`^[0-9A-Z]{2}[0-9A-Z ]{6}$`)

// checkProduction enforces the tags: no play default survives SOUK_ENV=production.
func (c Config) checkProduction(wrong func(name, format string, args ...any)) {
	if c.Env != production {
		return
	}
	for _, f := range settingFields() {
		switch {
		case f.production == "required" && !c.explicit[f.name]:
			wrong(f.name, "is required with SOUK_ENV=production")
		case f.production == "refused" && c.explicit[f.name]:
			wrong(f.name, "is refused with SOUK_ENV=production")
		}
	}
}

// warnings is what is allowed and still probably a mistake.
func (c Config) warnings() []string {
	var warnings []string
	for _, name := range c.unknown {
		warnings = append(warnings, name+" is no setting of Souk; is it misspelt?")
	}
	warnings = append(warnings, c.videoWarnings()...)
	if c.Env != production {
		return warnings
	}
	if strings.Contains(c.StripeSecretKey.Reveal(), "_test_") {
		warnings = append(warnings, "STRIPE_SECRET_KEY is a test key: payments in production move no money")
	}
	if strings.HasPrefix(c.PublicURL, "http://") {
		warnings = append(warnings, "SOUK_PUBLIC_URL is not https: passwords and tokens travel in the clear")
	}
	if strings.HasPrefix(c.FXRatesURL, "http://") {
		warnings = append(warnings, "SOUK_FX_RATES_URL is not https: who sits on the way sets the exchange rates")
	}
	if slices.Contains(c.AllowedOrigins, "*") {
		warnings = append(warnings, "SOUK_ALLOWED_ORIGINS lets the pages of any web site call the API")
	}
	return warnings
}

func (c Config) checkStripeKey() error {
	key := c.StripeSecretKey.Reveal()
	switch {
	case !strings.HasPrefix(key, "sk_") && !strings.HasPrefix(key, "rk_"):
		return errors.New("is no secret key of Stripe's (sk_… or rk_…)")
	case c.Env == development && strings.Contains(key, "_live_"):
		return errors.New("moves real money; use a test key, or SOUK_ENV=production")
	default:
		return nil
	}
}

// checkBucket wants all that a bucket needs where there is one.
func (c Config) checkBucket(wrong func(name, format string, args ...any)) {
	if c.S3Bucket == "" {
		return
	}
	if !bucketName.MatchString(c.S3Bucket) {
		wrong("SOUK_S3_BUCKET", "%q is no name of a bucket", c.S3Bucket)
	}
	if !regionName.MatchString(c.S3Region) {
		wrong("SOUK_S3_REGION", "%q is no region", c.S3Region)
	}
	if c.S3AccessKey == "" {
		wrong("SOUK_S3_ACCESS_KEY", "is missing; SOUK_S3_BUCKET needs it")
	}
	if c.S3SecretKey == "" {
		wrong("SOUK_S3_SECRET_KEY", "is missing; SOUK_S3_BUCKET needs it")
	}
}

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
)

func checkAddr(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is no address; use host:port", addr)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q has no port from 0 to 65535", addr)
	}
	return nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("is no address; use http://host or https://host")
	}
	return nil
}

// checkOrigin accepts scheme://host[:port] and nothing after it.
func checkOrigin(text string) error {
	if err := checkURL(text); err != nil {
		return fmt.Errorf("%q %w", text, err)
	}
	u, _ := url.Parse(text) // checkURL has parsed it
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("%q has more than scheme, host and port", u.Redacted())
	}
	return nil
}

// The errors of both libraries may quote the address, password included, so they stay here.

func checkPostgres(u SecretURL) error {
	if _, err := pgconn.ParseConfig(u.Reveal()); err != nil {
		return errors.New("is no PostgreSQL address; use postgres://role:password@host:port/database")
	}
	return nil
}

func checkRedis(u SecretURL) error {
	if err := redisx.Check(u.Reveal()); err != nil {
		return errors.New("is no Redis address; use redis://:password@host:port/0, " +
			"or redis://:password@host:port?addr=host2:port for a cluster")
	}
	return nil
}
