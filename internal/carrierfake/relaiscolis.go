package carrierfake

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// RelaisColis is the Web services of Relais Colis: that of its modules, and the list of relays near a place. It checks what the carrier's own modules say is
// asked for, and refuses as they read refusals.
type RelaisColis struct {
	Plan, RelayPlan Plan // of the modules' service, and of the list of relays

	key, relayKey string

	mu      sync.Mutex
	relays  []*colisRelay
	parcels []*ColisParcel
	next    int
}

// ColisParcel is a parcel that was registered.
type ColisParcel struct {
	Number string
	Fields map[string]string // as they were sent
	Events []map[string]any
}

type colisRelay struct {
	*relay

	xeett, agency, rvc string
}

// NewRelaisColis makes the services for one account.
func NewRelaisColis(activationKey, relayKey string) *RelaisColis {
	c := &RelaisColis{key: activationKey, relayKey: relayKey, next: 13_000_252_100}
	for i, r := range relays() {
		if r.country == "FR" {
			c.relays = append(c.relays, &colisRelay{relay: r, xeett: "I40" + strconv.Itoa(40+i), agency: "F" + strconv.Itoa(1+i), rvc: "404" + strconv.Itoa(10+i)})
		}
	}
	return c
}

// Close has a relay take no more parcels, by its code, or take them again.
func (c *RelaisColis) Close(xeett string, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.relays {
		if r.xeett == xeett {
			r.closed = closed
		}
	}
}

// Move has something happen to a parcel: the codes of an event and of its reason.
func (c *RelaisColis) Move(number, event, why, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.parcels {
		if p.Number == number {
			p.move(event, why, text)
		}
	}
}

func (p *ColisParcel) move(event, why, text string) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		paris = time.UTC
	}
	p.Events = append(p.Events, map[string]any{
		"parcelNumber": p.Number, "RangPaquet": 1, "Libelle": text, "LibelleDetaille": text, "Categorie": text, "Date": time.Now().In(paris).Format("2006-01-02T15:04:05"), "GMT": "GMT+1",
		"Etape": len(p.Events), "CodeEVT": event, "CodeJUS": why, "CodeTrack": "",
	})
}

// Parcels are those that were registered, in their order.
func (c *RelaisColis) Parcels() (all []ColisParcel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.parcels {
		all = append(all, *p)
	}
	return all
}

// ServeHTTP implements http.Handler.
func (c *RelaisColis) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plan := &c.Plan
	handle, found := map[string]http.HandlerFunc{
		"/api/package/placeAdvertisement": c.place, "/etiquette/generate": c.generate, "/api/package/getPackagesStatus": c.status, "/wslisterelaisproches/RelaisProches/Liste": c.list,
	}[r.URL.Path]
	if !found || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		http.NotFound(w, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/wsliste") {
		plan = &c.RelayPlan
	}
	plan.serve(w, r, func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		handle(w, r)
	})
}

func colisProblem(w http.ResponseWriter, status int, detail string) {
	writeJSON(w, status, map[string]any{"title": "An Error occurred", "status": status, "detail": detail})
}

func colisEntry(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	fmt.Fprintf(w, "%s<result>\n  <entry><![CDATA[%s]]></entry>\n</result>\n", xml.Header, text)
}

func (c *RelaisColis) place(w http.ResponseWriter, r *http.Request) {
	var asked []map[string]string
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked) != 1 {
		colisProblem(w, http.StatusBadRequest, "Syntax error")
		return
	}
	f := asked[0]
	if f["activationKey"] != c.key {
		colisProblem(w, http.StatusUnauthorized, "Invalid activation key")
		return
	}
	for _, name := range []string{
		"activityCode", "agencyCode", "customerId", "customerFullname", "deliveryPaymentMethod", "deliveryType", "language", "orderType", "orderTypeSub", "pickingSite", "productFamily", "pseudoRvc",
		"orderReference", "sensitiveProduct", "shippingAddress1", "shippingPostcode", "shippingCity", "shippingCountryCode", "shippmentWeight", "weight", "xeett",
	} {
		if f[name] == "" {
			colisEntry(w, "error:MISSING_FIELD_VALUE")
			return
		}
	}
	for _, name := range []string{"customerEmail", "customerPhone", "customerMobile", "shippingAddress2"} { // may be empty, and have to be there
		if _, there := f[name]; !there {
			colisEntry(w, "error:MISSING_FIELD")
			return
		}
	}
	i := slices.IndexFunc(c.relays, func(r *colisRelay) bool {
		return r.xeett == f["xeett"] && r.agency == f["agencyCode"] && r.rvc == f["pseudoRvc"] && !r.closed
	})
	switch grams, err := strconv.Atoi(f["weight"]); {
	case len(f["pseudoRvc"]) > 5:
		colisProblem(w, http.StatusBadRequest, "Object(App\\Entity\\PackageDetail).pseudoRvc:\n    Le pseudo RVC ne peut être plus longue que 5 caractères (code d94b19cc-114f-4f44-9cc4-4138e80a87b9)\n")
	case err != nil || grams <= 0 || grams > 20_000 || f["weight"] != f["shippmentWeight"]:
		colisEntry(w, "error:INVALID_WEIGHT")
	case f["activityCode"] != "05" || f["productFamily"] != "08" || f["deliveryType"] != "00" || f["shippingCountryCode"] != "FR" || i < 0:
		colisEntry(w, "error:INVALID_FIELD_VALUE<br>xeett")
	case len(f["customerFullname"]) > 32 || len(f["shippingAddress1"]) > 32 || len(f["shippingAddress2"]) > 32:
		colisProblem(w, http.StatusBadRequest, "Object(App\\Entity\\PackageDetail).shippingAddress1: trop longue")
	default:
		c.next++
		p := &ColisParcel{Number: fmt.Sprintf("4H0%d", c.next), Fields: f}
		p.move("APF", "", "Votre colis a été annoncé.")
		c.parcels = append(c.parcels, p)
		colisEntry(w, p.Number)
	}
}

func (c *RelaisColis) generate(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Key    string `json:"activationKey"`
		Format string `json:"format"`
		Number string `json:"etiquette1"`
	}
	err := json.NewDecoder(r.Body).Decode(&asked)
	i := slices.IndexFunc(c.parcels, func(p *ColisParcel) bool { return p.Number == asked.Number })
	switch {
	case err != nil || asked.Key != c.key:
		colisProblem(w, http.StatusUnauthorized, "Invalid activation key")
	case i < 0 || !slices.Contains([]string{"A4", "A5", "ZEBRA"}, asked.Format):
		colisProblem(w, http.StatusNotFound, "Etiquette inconnue")
	default:
		f := c.parcels[i].Fields
		w.Header().Set("Content-Type", "application/pdf")
		w.Header().Set("Content-Disposition", `inline; filename="Etiquette.pdf"; filename*=UTF-8''Etiquette.pdf`)
		_, _ = w.Write(pdf("RELAIS COLIS (FAKE)", asked.Number, "", f["customerFullname"], f["shippingAddress1"], f["shippingPostcode"]+" "+f["shippingCity"], "", "RELAIS "+f["xeett"], f["orderReference"]))
	}
}

func (c *RelaisColis) status(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Key     string   `json:"activationKey"`
		Numbers []string `json:"parcelNumbers"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Key != c.key {
		colisProblem(w, http.StatusUnauthorized, "Invalid activation key")
		return
	}
	events := []map[string]any{}
	for _, p := range c.parcels {
		if slices.Contains(asked.Numbers, p.Number) {
			events = append(events, p.Events...)
		}
	}
	writeJSON(w, http.StatusOK, events)
}

func (c *RelaisColis) list(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Lon            float64 `json:"Lon"`
		Lat            float64 `json:"Lat"`
		EnsCode        string  `json:"EnsCode"`
		RayonRecherche int     `json:"RayonRecherche"`
		NbRelais       int     `json:"NbRelais"`
	}
	list := map[string]any{"ErrorsList": []any{}, "PoisList": []any{}}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.EnsCode == "" || r.URL.Query().Get("key") != c.relayKey {
		list["ErrorsList"] = []any{map[string]any{"ErrorDescription": "Clé ou enseigne invalide"}}
		writeJSON(w, http.StatusOK, list)
		return
	}
	near := slices.Clone(c.relays)
	away := func(r *colisRelay) float64 { return metres(asked.Lat, asked.Lon, r.latitude, r.longitude) }
	slices.SortFunc(near, func(a, b *colisRelay) int { return int(away(a) - away(b)) })
	pois := []any{}
	for _, r := range near {
		if away(r) > float64(asked.RayonRecherche) || len(pois) == asked.NbRelais {
			continue
		}
		poi := map[string]any{
			"Xeett": r.xeett, "Agencecode": r.agency, "Pseudorvc": r.rvc, "Nomrelais": r.name, "Nomdepositaire": r.name, "Geocoadresse": r.street, "Postalcode": r.postal, "Commune": r.city,
			"Lat": comma(r.latitude), "Lon": comma(r.longitude), "Distance": int(away(r)), "AffichageLien": "OK", "Datefermeture": "", "Datepremiercolis": "",
		}
		if r.closed {
			poi["AffichageLien"], poi["Datefermeture"] = "KO", "22/11/2026"
		}
		for _, day := range []string{"lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"} {
			poi["Horaire"+day+"matin"], poi["Horaire"+day+"apm"] = "09:00-12:30", "14:00-19:00"
		}
		poi["Horairedimanchematin"], poi["Horairedimancheapm"] = "", "Fermé"
		pois = append(pois, poi)
	}
	list["PoisList"] = pois
	writeJSON(w, http.StatusOK, list)
}
