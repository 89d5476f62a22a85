package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/souklive/souk/internal/httpx"
	"github.com/souklive/souk/internal/obs"
	"github.com/souklive/souk/internal/risk"
)

// Config is every setting, read from the environment. The comment above a field is its line in
// docs/configuration.md, which a test compares; the tag `production` is enforced.
type Config struct {
	// `development` starts for play whatever is missing; `production` refuses to.
	Env mode `env:"SOUK_ENV" envDefault:"development"`

	// Address to listen on. Where it is left out and the port is taken, the next free one is used.
	Addr string `env:"SOUK_ADDR" envDefault:"127.0.0.1:8080"`

	// Address for /metrics alone. Left out, /metrics is served beside the API.
	MetricsAddr string `env:"SOUK_METRICS_ADDR"`

	// Address that clients reach the server at, for the links that it gives out. Left out, it is where the server listens.
	PublicURL string `env:"SOUK_PUBLIC_URL" production:"required"`

	// Web origins whose pages may call the API, separated by commas; `*` is any. The server's own is always allowed.
	AllowedOrigins httpx.Origins `env:"SOUK_ALLOWED_ORIGINS"`

	// Networks of the proxies in front, separated by commas (`10.0.0.0/8`): only they are believed about a client's address.
	TrustedProxies []netip.Prefix `env:"SOUK_TRUSTED_PROXIES"`

	// Directory for photos, and for what a play server keeps: its PostgreSQL, the Stripe fake's state, the signing key. Left out, it is `.souk` in the working directory, or `/var/lib/souk/<clone>` where PostgreSQL's user cannot enter that.
	StateDir string `env:"SOUK_STATE_DIR"`

	// PostgreSQL that the server logs in to, as a role that owns nothing. Left out, a private cluster is started in the state directory.
	DatabaseURL SecretURL `env:"DATABASE_URL" production:"required"`

	// PostgreSQL as the role that owns the schema, for `souk migrate` and for what development migrates at its start. Left out, it is DATABASE_URL.
	DatabaseAdminURL SecretURL `env:"DATABASE_ADMIN_URL"`

	// The most connections that one process opens to the database. Left out, three for each thread that Go runs at a time, which is one more than there are processors, and 10 at least.
	DBMaxConns int32 `env:"SOUK_DB_MAX_CONNS"`

	// Redis that the servers share: one server, or a Redis Cluster (see below). Left out, one inside the process serves this process alone.
	RedisURL SecretURL `env:"REDIS_URL" production:"required"`

	// Stripe's secret key. Left out, a Stripe fake takes the payments and all money is play money.
	StripeSecretKey Secret `env:"STRIPE_SECRET_KEY" production:"required"`

	// Secret of Stripe's webhook endpoint `/webhooks/stripe`, which checks who sent an event. Left out, the Stripe fake's own is used, or webhooks are refused.
	StripeWebhookSecret Secret `env:"STRIPE_WEBHOOK_SECRET" production:"required"`

	// Another address for Stripe's API, such as stripe-mock's.
	StripeAPIURL string `env:"STRIPE_API_URL" production:"refused"`

	// Key, of 32 characters or more, that signs upload links. Left out, one is made and kept in the state directory.
	SigningKey Secret `env:"SOUK_SIGNING_KEY" production:"required"`

	// Keys that codes for sale are sealed under, as `id:64 hexadecimal digits` with commas between; new codes are sealed under the first. Left out, one is made and kept in the state directory.
	CodeKeys Secret `env:"SOUK_CODE_KEYS" production:"required"`

	// Key of the hashes that codes are compared by: 64 hexadecimal digits, none of the keys above. It never changes.
	CodeHashKey Secret `env:"SOUK_CODE_HASH_KEY" production:"required"`

	// The platform's share of a sale, in basis points (500 is 5 %). An order keeps the share of its day.
	PlatformFeeBP int64 `env:"SOUK_PLATFORM_FEE_BP" envDefault:"500"`

	// How long the winner of a lot that cards back has to pay: then the order is cancelled, and the lot offered to the next bidder.
	PayWithin time.Duration `env:"SOUK_PAY_WITHIN" envDefault:"24h"`

	// How long the next bidder has to take a lot whose winner did not pay.
	SecondChanceFor time.Duration `env:"SOUK_SECOND_CHANCE_FOR" envDefault:"24h"`

	// How long after a carrier delivered it an order is completed, and its money released, unless its buyer does so before.
	CompleteAfterDelivery time.Duration `env:"SOUK_COMPLETE_AFTER_DELIVERY" envDefault:"72h"`

	// How long after it was sent an order is completed of which no carrier says that it was delivered.
	CompleteAfterSending time.Duration `env:"SOUK_COMPLETE_AFTER_SENDING" envDefault:"504h"`

	// How long a seller has to answer a problem with an order before support is called.
	ProblemAnswerWithin time.Duration `env:"SOUK_PROBLEM_ANSWER_WITHIN" envDefault:"72h"`

	// How long goods have to come back that a seller asked for before support is called.
	ProblemReturnWithin time.Duration `env:"SOUK_PROBLEM_RETURN_WITHIN" envDefault:"336h"`

	// How long support has to decide a problem before it is decided by its rule.
	ProblemDecideWithin time.Duration `env:"SOUK_PROBLEM_DECIDE_WITHIN" envDefault:"336h"`

	// How many confirmations of a buyer, within how long, are too many (`30/10m`, of 1 to 1000 within a week at most; `off` for no limit): more are refused. Payments of orders and reservations count.
	RiskCheckouts risk.Limit `env:"SOUK_RISK_CHECKOUTS" envDefault:"30/10m"`

	// From how many refused payments by card of a buyer on their cards are refused; the wallet may pay.
	RiskFailedCards risk.Limit `env:"SOUK_RISK_FAILED_CARDS" envDefault:"8/1h"`

	// From how many refused payments by one card on it is refused, whoever saved it.
	RiskCardFailed risk.Limit `env:"SOUK_RISK_CARD_FAILED" envDefault:"12/1h"`

	// From how many other buyers who pay by one card on staff look at what is bought by it.
	RiskCardUsers risk.Limit `env:"SOUK_RISK_CARD_USERS" envDefault:"3/24h"`

	// From how many other buyers who have things sent to one place on staff look at what is sent there.
	RiskPlace risk.Limit `env:"SOUK_RISK_PLACE" envDefault:"10/1h"`

	// From how many other buyers at one address of the network on staff look at what is bought from there.
	RiskClient risk.Limit `env:"SOUK_RISK_CLIENT" envDefault:"50/1h"`

	// From how many other buyers on what a client calls one device on staff look at what is bought on it.
	RiskDevice risk.Limit `env:"SOUK_RISK_DEVICE" envDefault:"5/24h"`

	// How old an account has to be to join the waiting room of a flash sale: `24h`, say, where bots are expected.
	FlashAccountAge time.Duration `env:"SOUK_FLASH_ACCOUNT_AGE" envDefault:"0s"`

	// What a user gets who brings another, in basis points of that one's first completed order; never more than the platform's fee on it.
	ReferralBP int64 `env:"SOUK_REFERRAL_BP" envDefault:"100"`

	// How long after its completion an order can be returned: after that its seller has what it earned, and a commission is paid.
	ReturnWindow time.Duration `env:"SOUK_RETURN_WINDOW" envDefault:"336h"`

	// Address of the European Central Bank's daily reference rates, https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml. Left out, money is exchanged at made-up rates, and in production not at all.
	FXRatesURL string `env:"SOUK_FX_RATES_URL"`

	// How long exchange rates are used after they were read.
	FXMaxAge time.Duration `env:"SOUK_FX_MAX_AGE" envDefault:"36h"`

	// What the platform keeps of an exchange between two currencies, in basis points.
	ExchangeMarginBP int64 `env:"SOUK_EXCHANGE_MARGIN_BP" envDefault:"50"`

	// Who carries the video of shows: `agora`, `livekit`, or `none`. The server signs tokens only, and needs the settings of that provider.
	Video videoProvider `env:"SOUK_VIDEO" envDefault:"none"`

	// The project at Agora that shows are carried by: 32 hexadecimal digits.
	AgoraAppID string `env:"AGORA_APP_ID"`

	// The project's primary certificate, which signs tokens: 32 hexadecimal digits.
	AgoraAppCertificate Secret `env:"AGORA_APP_CERTIFICATE"`

	// Where clients reach the LiveKit server that shows are carried by: `wss://host`.
	LiveKitURL string `env:"LIVEKIT_URL"`

	// The LiveKit server's API key.
	LiveKitAPIKey string `env:"LIVEKIT_API_KEY"`

	// The secret of that key, which signs tokens.
	LiveKitAPISecret Secret `env:"LIVEKIT_API_SECRET"`

	// The account at Mondial Relay (code enseigne): 8 letters and digits. Without any carrier's key fakes carry parcels, and in production nobody does.
	MondialRelayEnseigne string `env:"MONDIAL_RELAY_ENSEIGNE"`

	// The private key of that account, which signs requests to its Web service.
	MondialRelayKey Secret `env:"MONDIAL_RELAY_KEY"`

	// `true` where the account has credit, of which each registration takes: then nothing is registered again whose answer was lost.
	MondialRelayPrepaid bool `env:"MONDIAL_RELAY_PREPAID" envDefault:"false"`

	// The API key of a project at FedEx's developer portal, for rates, labels and tracking.
	FedExClientID string `env:"FEDEX_CLIENT_ID"`

	// The secret of that key.
	FedExClientSecret Secret `env:"FEDEX_CLIENT_SECRET"`

	// The account at FedEx that pays for parcels: 9 digits.
	FedExAccount string `env:"FEDEX_ACCOUNT"`

	// Another address for FedEx's API, such as that of its sandbox, https://apis-sandbox.fedex.com.
	FedExAPIURL string `env:"FEDEX_API_URL" production:"refused"`

	// The security token of the webhook at FedEx (Advanced Integrated Visibility) that tells `/webhooks/carriers/FEDEX` of parcels, 16 characters or more. Left out, what comes there is refused.
	FedExWebhookToken Secret `env:"FEDEX_WEBHOOK_TOKEN"`

	// The activation key of the account at Relais Colis. It takes SOUK_GEOCODER as well: its relays are looked for by coordinates alone.
	RelaisColisKey Secret `env:"RELAIS_COLIS_KEY"`

	// The key of Relais Colis's list of relays.
	RelaisColisListKey Secret `env:"RELAIS_COLIS_LIST_KEY"`

	// The account's code in that list: up to 4 letters and digits.
	RelaisColisEnseigne string `env:"RELAIS_COLIS_ENSEIGNE"`

	// Who knows where streets are, for pickup points near them: `google` (Google Maps), `ban` (France's national base of addresses, free, France alone) or `none`. Left out, a fake, and in production nobody.
	Geocoder geocoder `env:"SOUK_GEOCODER"`

	// The key of Google Maps' Geocoding API.
	GoogleMapsKey Secret `env:"GOOGLE_MAPS_KEY"`

	// Bucket that photos are kept in, by the S3 protocol; it is private. Left out, they are kept in the state directory: that is for one server, or for several that share the directory.
	S3Bucket string `env:"SOUK_S3_BUCKET"`

	// Where the bucket is reached, unless it is Amazon's: `https://minio.example:9000`. Clients send photos there.
	S3Endpoint string `env:"SOUK_S3_ENDPOINT"`

	// The region that the bucket is in.
	S3Region string `env:"SOUK_S3_REGION" envDefault:"us-east-1"`

	// The access key that may read, write, list and delete the bucket's objects.
	S3AccessKey string `env:"SOUK_S3_ACCESS_KEY"`

	// The secret of that key.
	S3SecretKey Secret `env:"SOUK_S3_SECRET_KEY"`

	// The least that is logged: `debug`, `info`, `warn` or `error`. `souk demo` shows warnings only, unless this is set.
	LogLevel slog.Level `env:"SOUK_LOG_LEVEL" envDefault:"info"`

	// Shape of a log line: `text` or `json`.
	LogFormat obs.Format `env:"SOUK_LOG_FORMAT" envDefault:"text"`

	// The longest that stopping may take; what is unfinished then is cut off and recovered at the next start.
	ShutdownTimeout time.Duration `env:"SOUK_SHUTDOWN_TIMEOUT" envDefault:"20s"`

	explicit map[string]bool // the settings that the environment named
	unknown  []string        // SOUK_ variables that are no setting: misspelt, most likely
}

// riskLimits are where the rules of risk begin.
func (c Config) riskLimits() risk.Limits {
	return risk.Limits{
		Checkouts: c.RiskCheckouts, FailedCards: c.RiskFailedCards, CardFailed: c.RiskCardFailed, CardUsers: c.RiskCardUsers,
		Place: c.RiskPlace, Client: c.RiskClient, Device: c.RiskDevice,
	}
}

// mode is who the server is for.
type mode string

const (
	development mode = "development"
	production  mode = "production"
)

// UnmarshalText accepts the known modes.
func (m *mode) UnmarshalText(text []byte) error {
	switch mode(text) {
	case development, production:
		*m = mode(text)
		return nil
	default:
		return fmt.Errorf("%q is no environment; use development or production", text)
	}
}

// geocoder is who knows where streets are.
type geocoder string

const (
	geocodedByGoogle geocoder = "google"
	geocodedByBAN    geocoder = "ban"
	geocodedByNobody geocoder = "none"
)

// UnmarshalText accepts the known geocoders.
func (g *geocoder) UnmarshalText(text []byte) error {
	switch geocoder(text) {
	case geocodedByGoogle, geocodedByBAN, geocodedByNobody:
		*g = geocoder(text)
		return nil
	default:
		return fmt.Errorf("%q is no geocoder; use google, ban or none", text)
	}
}

// role is which part of the work a process does.
type role string

const (
	roleAll    role = "all"
	roleAPI    role = "api"
	roleWorker role = "worker"
)

func parseRole(s string) (role, error) {
	switch r := role(s); r {
	case roleAll, roleAPI, roleWorker:
		return r, nil
	default:
		return "", fmt.Errorf("there is no role %q; use api, worker or all", s)
	}
}

// ServesAPI reports whether the process answers clients.
func (r role) ServesAPI() bool { return r != roleWorker }

// RunsJobs reports whether the process works off jobs.
func (r role) RunsJobs() bool { return r != roleAPI }

// IsSet reports whether the environment named the setting.
func (c Config) IsSet(name string) bool { return c.explicit[name] }

// LogValue prints every setting under its name, secrets cut out.
func (c Config) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, s := range c.settings() {
		attrs = append(attrs, slog.String(s.name, s.value))
	}
	return slog.GroupValue(attrs...)
}
