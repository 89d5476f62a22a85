package carrierfake

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FedEx is the REST APIs of FedEx: tokens, rates, shipments with their labels, and where parcels are. It checks a request's token and fields as the real ones do, and
// answers their codes. A plan's faults meet the calls of the API; TokenPlan's the requests for tokens.
type FedEx struct {
	Plan, TokenPlan Plan

	id, secret, account string

	mu      sync.Mutex
	parcels []*FedExParcel
	tokens  map[string]time.Time // until when each holds
	asked   int
	lasts   time.Duration
	late    bool
	links   bool
	next    int
}

// FedExParcel is a parcel that was registered.
type FedExParcel struct {
	Number    string
	Reference string
	Service   string
	Cancelled bool
	Shipper   FedExParty
	Recipient FedExParty
	Status    string // of the newest scan
	scans     []map[string]any
	hidden    bool // from searches by reference
}

// FedExParty is who sends or receives a parcel, as it was sent.
type FedExParty struct {
	Contact struct {
		Name  string `json:"personName"`
		Phone string `json:"phoneNumber"`
	} `json:"contact"`
	Address struct {
		Lines      []string `json:"streetLines"`
		City       string   `json:"city"`
		State      string   `json:"stateOrProvinceCode"`
		PostalCode string   `json:"postalCode"`
		Country    string   `json:"countryCode"`
	} `json:"address"`
}

// NewFedEx makes the APIs for one account.
func NewFedEx(id, secret, account string) *FedEx {
	return &FedEx{id: id, secret: secret, account: account, tokens: map[string]time.Time{}, lasts: time.Hour, next: 794_600_000_000}
}

// Lasts is for how long tokens hold that are given from now on.
func (f *FedEx) Lasts(d time.Duration) { f.with(func() { f.lasts = d }) }

// Forget has no token hold any more that was given before.
func (f *FedEx) Forget() { f.with(func() { clear(f.tokens) }) }

// Late has parcels that are registered from now on be unknown to searches by their reference, until Learn.
func (f *FedEx) Late() { f.with(func() { f.late = true }) }

// Learn ends that.
func (f *FedEx) Learn() {
	f.with(func() {
		f.late = false
		for _, p := range f.parcels {
			p.hidden = false
		}
	})
}

// Links has labels be given by their address.
func (f *FedEx) Links() { f.with(func() { f.links = true }) }

// Tokens is how often one was asked for.
func (f *FedEx) Tokens() (n int) {
	f.with(func() { n = f.asked })
	return n
}

// Parcels are those that were registered, in their order.
func (f *FedEx) Parcels() (all []FedExParcel) {
	f.with(func() {
		for _, p := range f.parcels {
			all = append(all, *p)
		}
	})
	return all
}

// Move has something happen to a parcel: a status such as IT, DL.
func (f *FedEx) Move(number, status, text, city string) {
	f.with(func() {
		if p := f.parcel(number); p != nil {
			p.move(status, text, city)
		}
	})
}

func (f *FedEx) with(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func (f *FedEx) parcel(number string) *FedExParcel {
	i := slices.IndexFunc(f.parcels, func(p *FedExParcel) bool { return p.Number == number })
	if i < 0 {
		return nil
	}
	return f.parcels[i]
}

func (p *FedExParcel) move(status, text, city string) {
	p.Status = status
	scan := map[string]any{
		"date": time.Now().UTC().Format(time.RFC3339), "eventType": status, "eventDescription": text, "exceptionCode": "", "exceptionDescription": "",
		"scanLocation": map[string]any{"city": city, "countryCode": p.Shipper.Address.Country}, "derivedStatusCode": status,
	}
	p.scans = append([]map[string]any{scan}, p.scans...) // the newest first
}

// ServeHTTP implements http.Handler.
func (f *FedEx) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plan, handle := &f.Plan, f.api
	if r.URL.Path == "/oauth/token" {
		plan, handle = &f.TokenPlan, f.token
	}
	plan.serve(w, r, handle)
}

func (f *FedEx) token(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.FormValue("grant_type") != "client_credentials" {
		fedexError(w, http.StatusBadRequest, "BAD.REQUEST.ERROR", "Missing or duplicate parameters. Please modify your request and try again.")
		return
	}
	if r.PostFormValue("client_id") != f.id || r.PostFormValue("client_secret") != f.secret {
		fedexError(w, http.StatusUnauthorized, "NOT.AUTHORIZED.ERROR", "The given client credentials were not valid. Please modify your request and try again.")
		return
	}
	token := "token-" + strconv.Itoa(f.asked)
	f.tokens[token] = time.Now().Add(f.lasts)
	writeJSON(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "bearer", "expires_in": int(f.lasts.Seconds()), "scope": "CXS"})
}

func (f *FedEx) api(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number, found := strings.CutPrefix(r.URL.Path, "/document/v2/"); found && r.Method == http.MethodGet {
		f.label(w, number)
		return
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	until, known := f.tokens[token]
	if !known { // the gateway's own shape
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error_description": "Invalid CXS JWT"})
		return
	}
	if time.Now().After(until) {
		fedexError(w, http.StatusUnauthorized, "NOT.AUTHORIZED.ERROR", "Access token expired. Please modify your request and try again.")
		return
	}
	handle, found := map[string]func(http.ResponseWriter, *http.Request){
		"POST /rate/v1/rates/quotes": f.rates, "POST /ship/v1/shipments": f.ship, "PUT /ship/v1/shipments/cancel": f.cancel,
		"POST /track/v1/trackingnumbers": f.track, "POST /track/v1/referencenumbers": f.find,
	}[r.Method+" "+r.URL.Path]
	if !found || r.Header.Get("Content-Type") != "application/json" {
		fedexError(w, http.StatusNotFound, "NOT.FOUND.ERROR", "The resource you requested is no longer available. Please modify your request and try again.")
		return
	}
	handle(w, r)
}

// What requests have in common.
type fedexShipment struct {
	Account struct {
		Value string `json:"value"`
	} `json:"accountNumber"`
	LabelAs   string `json:"labelResponseOptions"`
	Requested struct {
		Shipper    FedExParty   `json:"shipper"`
		Recipient  FedExParty   `json:"recipient"`
		Recipients []FedExParty `json:"recipients"`
		Date       string       `json:"shipDatestamp"`
		Service    string       `json:"serviceType"`
		Packaging  string       `json:"packagingType"`
		Pickup     string       `json:"pickupType"`
		Payment    struct {
			Type string `json:"paymentType"`
		} `json:"shippingChargesPayment"`
		Label struct {
			Image string `json:"imageType"`
			Stock string `json:"labelStockType"`
		} `json:"labelSpecification"`
		RateTypes []string `json:"rateRequestType"`
		Pieces    []struct {
			Weight struct {
				Units string  `json:"units"`
				Value float64 `json:"value"`
			} `json:"weight"`
			References []struct {
				Type  string `json:"customerReferenceType"`
				Value string `json:"value"`
			} `json:"customerReferences"`
		} `json:"requestedPackageLineItems"`
	} `json:"requestedShipment"`
}

// check is the first thing that is wrong with what both kinds of requests have.
func (f *FedEx) check(s fedexShipment, to FedExParty) (code, text string) {
	r := s.Requested
	switch {
	case s.Account.Value != f.account:
		return "ACCOUNT.NUMBER.INVALID", "Account number is invalid. Please update and try again."
	case r.Pickup == "":
		return "PICKUPTYPE.REQUIRED", "Pickup Type is required."
	case r.Packaging != "YOUR_PACKAGING":
		return "PACKAGINGTYPE.MISSING.OR.INVALID", "Packaging type is missing or invalid."
	case len(r.Pieces) != 1 || r.Pieces[0].Weight.Units != "KG" || r.Pieces[0].Weight.Value <= 0:
		return "PACKAGE.WEIGHT.INVALID", "Package weight is missing or invalid."
	case r.Pieces[0].Weight.Value > 68:
		return "MAXIMUMWEIGHT.TYPE.ERROR", "Weight exceeds the maximum."
	}
	for _, p := range []FedExParty{r.Shipper, to} {
		switch {
		case !regexp.MustCompile(`^[A-Z]{2}$`).MatchString(p.Address.Country):
			return "COUNTRY.CODE.INVALID", "Country code is missing or invalid."
		case !regexp.MustCompile(`^[0-9A-Z -]{3,10}$`).MatchString(p.Address.PostalCode):
			return "COUNTRY.POSTALCODEORZIP.INVALID", "Postal code is missing or invalid for the country."
		}
	}
	return "", ""
}

// zones are the products between two countries, with the cents of a kilogram.
func zones(from, to string) (currency string, products map[string]int) {
	switch {
	case from == "US" && to == "US":
		return "USD", map[string]int{"FEDEX_GROUND": 950, "FEDEX_2_DAY": 1840, "PRIORITY_OVERNIGHT": 4100}
	case from == "CA" && to == "CA":
		return "CAD", map[string]int{"FEDEX_GROUND": 1120}
	case from == "US" || from == "CA":
		return "USD", map[string]int{"FEDEX_INTERNATIONAL_PRIORITY": 6200}
	}
	return "EUR", map[string]int{"FEDEX_REGIONAL_ECONOMY": 1150, "FEDEX_INTERNATIONAL_PRIORITY": 2390, "INTERNATIONAL_FIRST": 5990}
}

// fedexCharge is what a parcel costs: the first kilogram, and a fifth of it for each other that is begun.
func fedexCharge(cents int, kg float64) float64 {
	more := max(int(kg+0.999)-1, 0)
	return float64(cents+more*cents/5) / 100
}

func (f *FedEx) rates(w http.ResponseWriter, r *http.Request) {
	var s fedexShipment
	if !fedexRead(w, r, &s) {
		return
	}
	code, text := f.check(s, s.Requested.Recipient)
	if code == "" && !slices.Contains(s.Requested.RateTypes, "ACCOUNT") {
		code, text = "RATEREQUESTTYPE.REQUIRED", "Rate request type is required."
	}
	if code != "" {
		fedexError(w, http.StatusBadRequest, code, text)
		return
	}
	currency, products := zones(s.Requested.Shipper.Address.Country, s.Requested.Recipient.Address.Country)
	var details []map[string]any
	for service, cents := range products {
		net := fedexCharge(cents, s.Requested.Pieces[0].Weight.Value)
		details = append(details, map[string]any{
			"serviceType": service, "serviceName": service, "packagingType": "YOUR_PACKAGING", "operationalDetail": map[string]any{"transitTime": "TWO_DAYS"},
			"ratedShipmentDetails": []map[string]any{
				{"rateType": "LIST", "totalNetCharge": net * 2, "currency": currency}, {"rateType": "ACCOUNT", "totalNetCharge": net, "currency": currency},
			},
		})
	}
	fedexOutput(w, map[string]any{"rateReplyDetails": details, "quoteDate": time.Now().Format("2006-01-02"), "encoded": false})
}

func (f *FedEx) ship(w http.ResponseWriter, r *http.Request) {
	var s fedexShipment
	if !fedexRead(w, r, &s) {
		return
	}
	q := s.Requested
	var to FedExParty
	if len(q.Recipients) == 1 {
		to = q.Recipients[0]
	}
	code, text := f.check(s, to)
	_, products := zones(q.Shipper.Address.Country, to.Address.Country)
	switch {
	case code != "":
	case products[q.Service] == 0:
		code, text = "SERVICETYPE.NOT.ALLOWED", "The service type is not allowed between the addresses."
	case q.Payment.Type != "SENDER":
		code, text = "PAYMENTTYPE.INVALID", "Payment type is invalid."
	case q.Label.Image != "PDF" || q.Label.Stock != "PAPER_4X6":
		code, text = "LABELSPECIFICATION.IMAGETYPE.INVALID", "Label specification is invalid."
	case s.LabelAs != "LABEL" && s.LabelAs != "URL_ONLY":
		code, text = "LABELRESPONSEOPTIONS.REQUIRED", "Label response options are required."
	case q.Date < time.Now().UTC().AddDate(0, 0, -1).Format("2006-01-02"):
		code, text = "SHIPDATE.INVALID", "Ship date is in the past."
	}
	for _, p := range []FedExParty{q.Shipper, to} {
		long := slices.ContainsFunc(p.Address.Lines, func(l string) bool { return l == "" || len(l) > 35 })
		switch {
		case code != "":
		case len(p.Address.Lines) == 0 || len(p.Address.Lines) > 3 || long:
			code, text = "STREETLINES.INVALID", "Street lines are missing, or too long."
		case p.Address.City == "" || len(p.Address.City) > 35:
			code, text = "CITY.REQUIRED", "City is missing or too long."
		case p.Contact.Name == "" || len(p.Contact.Name) > 70 || !regexp.MustCompile(`^[0-9]{6,15}$`).MatchString(p.Contact.Phone):
			code, text = "CONTACT.INVALID", "Name or phone number is missing or invalid."
		}
	}
	if code != "" {
		fedexError(w, http.StatusBadRequest, code, text)
		return
	}
	f.next++
	p := &FedExParcel{Number: strconv.Itoa(f.next), Service: q.Service, Shipper: q.Shipper, Recipient: to, hidden: f.late}
	for _, ref := range q.Pieces[0].References {
		p.Reference = ref.Value
	}
	p.move("OC", "Shipment information sent to FedEx", "")
	f.parcels = append(f.parcels, p)
	document := map[string]any{"contentType": "LABEL", "copiesToPrint": 1, "docType": "PDF"}
	if f.links {
		document["url"] = "http://" + r.Host + "/document/v2/" + p.Number
	} else {
		document["encodedLabel"] = base64.StdEncoding.EncodeToString(p.label())
	}
	currency, _ := zones(q.Shipper.Address.Country, to.Address.Country)
	fedexOutput(w, map[string]any{"transactionShipments": []map[string]any{{
		"serviceType": q.Service, "shipDatestamp": q.Date, "masterTrackingNumber": p.Number,
		"pieceResponses": []map[string]any{{
			"trackingNumber": p.Number, "netChargeAmount": fedexCharge(products[q.Service], q.Pieces[0].Weight.Value), "currency": currency, "packageDocuments": []any{document},
		}},
	}}})
}

func (p *FedExParcel) label() []byte {
	return pdf("FEDEX (FAKE)", p.Service, p.Number, "", p.Recipient.Contact.Name, strings.Join(p.Recipient.Address.Lines, ", "),
		p.Recipient.Address.PostalCode+" "+p.Recipient.Address.City, p.Recipient.Address.Country, "", p.Reference)
}

func (f *FedEx) label(w http.ResponseWriter, number string) {
	p := f.parcel(number)
	if p == nil {
		fedexError(w, http.StatusNotFound, "NOT.FOUND.ERROR", "The document is not there.")
		return
	}
	w.Header().Set("Content-Type", "application/pdf")
	_, _ = w.Write(p.label())
}

func (f *FedEx) cancel(w http.ResponseWriter, r *http.Request) {
	var s struct {
		Account struct {
			Value string `json:"value"`
		} `json:"accountNumber"`
		Number string `json:"trackingNumber"`
	}
	if !fedexRead(w, r, &s) {
		return
	}
	p := f.parcel(s.Number)
	switch {
	case s.Account.Value != f.account:
		fedexError(w, http.StatusBadRequest, "ACCOUNT.NUMBER.INVALID", "Account number is invalid. Please update and try again.")
	case p == nil:
		fedexError(w, http.StatusBadRequest, "TRACKINGIDS.TRACKINGNUMBER.INVALID", "The tracking number is invalid.")
	case p.Cancelled:
		fedexError(w, http.StatusBadRequest, "CANCELSHIPMENT.TRACKINGNUMBER.DELETED", "The shipment was deleted before.")
	case p.Status != "OC":
		fedexError(w, http.StatusBadRequest, "TRACKINGIDS.TRACKINGNUMBER.CLOSED", "The shipment can no longer be cancelled.")
	default:
		p.Cancelled = true
		p.move("CA", "Shipment cancelled by sender", "")
		fedexOutput(w, map[string]any{"cancelledShipment": true, "cancelledHistory": true, "successMessage": "Success"})
	}
}

func (f *FedEx) track(w http.ResponseWriter, r *http.Request) {
	var s struct {
		Tracking []struct {
			Info struct {
				Number string `json:"trackingNumber"`
			} `json:"trackingNumberInfo"`
		} `json:"trackingInfo"`
	}
	if !fedexRead(w, r, &s) {
		return
	}
	if len(s.Tracking) == 0 || len(s.Tracking) > 30 {
		fedexError(w, http.StatusBadRequest, "TRACKING.TRACKINGNUMBER.EMPTY", "Please provide a tracking number.")
		return
	}
	var complete []map[string]any
	for _, t := range s.Tracking {
		complete = append(complete, map[string]any{"trackingNumber": t.Info.Number, "trackResults": []any{fedexResult(t.Info.Number, f.parcel(t.Info.Number))}})
	}
	fedexOutput(w, map[string]any{"completeTrackResults": complete})
}

func fedexResult(number string, p *FedExParcel) map[string]any {
	result := map[string]any{"trackingNumberInfo": map[string]any{"trackingNumber": number, "carrierCode": "FDXE"}}
	if p == nil {
		result["error"] = map[string]any{"code": "TRACKING.TRACKINGNUMBER.NOTFOUND", "message": "Tracking number cannot be found. Please correct the tracking number and try again."}
		return result
	}
	result["latestStatusDetail"] = map[string]any{"code": p.Status, "derivedCode": p.Status, "statusByLocale": p.Status}
	result["scanEvents"] = p.scans
	return result
}

func (f *FedEx) find(w http.ResponseWriter, r *http.Request) {
	var s struct {
		Asked struct {
			Type, Value, AccountNumber, ShipDateBegin, ShipDateEnd string
		} `json:"referencesInformation"`
	}
	if !fedexRead(w, r, &s) {
		return
	}
	begin, err := time.Parse("2006-01-02", s.Asked.ShipDateBegin)
	end, err2 := time.Parse("2006-01-02", s.Asked.ShipDateEnd)
	switch {
	case s.Asked.Type != "CUSTOMER_REFERENCE" || s.Asked.Value == "":
		fedexError(w, http.StatusBadRequest, "TRACKING.REFERENCEVALUE.EMPTY", "Please provide a reference.")
		return
	case s.Asked.AccountNumber != f.account:
		fedexError(w, http.StatusBadRequest, "TRACKING.REFERENCEDATA.INCOMPLETE", "Please enter an account number or destination country and postal code.")
		return
	case err != nil || err2 != nil || end.Sub(begin) > 30*24*time.Hour:
		fedexError(w, http.StatusBadRequest, "TRACKING.SHIPDATERANGE.TOOLONG", "The range of ship dates is too long.")
		return
	}
	var results []any
	for _, p := range f.parcels {
		if p.Reference == s.Asked.Value && !p.hidden {
			results = append(results, fedexResult(p.Number, p))
		}
	}
	if len(results) == 0 {
		results = []any{map[string]any{"error": map[string]any{"code": "TRACKING.REFERENCENUMBER.NOTFOUND", "message": "Reference number cannot be found. Please correct the reference number and try again."}}}
	}
	fedexOutput(w, map[string]any{"completeTrackResults": []any{map[string]any{"trackResults": results}}})
}

func fedexRead(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(into); err != nil {
		fedexError(w, http.StatusBadRequest, "INVALID.INPUT.EXCEPTION", "Invalid field value in the input.")
		return false
	}
	return true
}

func fedexOutput(w http.ResponseWriter, output any) {
	writeJSON(w, http.StatusOK, map[string]any{"transactionId": "624deea6-b709-470c-8c39-4b5511281492", "output": output})
}

func fedexError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{"transactionId": "624deea6-b709-470c-8c39-4b5511281492", "errors": []any{map[string]any{"code": code, "message": message}}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
