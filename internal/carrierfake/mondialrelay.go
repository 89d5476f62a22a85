package carrierfake

import (
	"crypto/md5" //nolint:gosec // the carrier's own signature
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const mondialRelayNamespace = "http://www.mondialrelay.fr/webservice/"

// MondialRelay is the Web service of Mondial Relay, and the site that its labels are on. It checks the order and the patterns of the fields, and the
// signature, as the real one does, and answers its codes.
type MondialRelay struct {
	Plan Plan

	enseigne, key string

	mu      sync.Mutex
	points  []*relay
	parcels map[string]*RelayParcel
	next    int
	now     func() time.Time
}

// RelayParcel is a parcel that was registered.
type RelayParcel struct {
	Number string
	Fields map[string]string // as they were sent
	Stat   string            // 80 to 83
	Steps  []RelayStep
}

// RelayStep is one line of a parcel's history.
type RelayStep struct {
	Text, Place string
	At          time.Time
}

type relay struct {
	num, name, street, postal, city, country string
	latitude, longitude                      float64
	closed                                   bool
	maxGrams                                 int
}

// NewMondialRelay makes the service for one account.
func NewMondialRelay(enseigne, key string) *MondialRelay {
	return &MondialRelay{enseigne: enseigne, key: key, points: relays(), parcels: map[string]*RelayParcel{}, next: 31_230_000, now: time.Now}
}

func relays() []*relay {
	all := []*relay{
		{num: "024474", name: "TABAC DES ARTS", street: "12 RUE DES ARCHIVES", postal: "75004", city: "PARIS", country: "FR", latitude: 48.8587, longitude: 2.3561},
		{num: "034439", name: "ARS INFORMATIQUE", street: "38 RUE MAUCONSEIL", postal: "75001", city: "PARIS", country: "FR", latitude: 48.8641433, longitude: 2.3470309},
		{num: "051122", name: "EPICERIE DU CANAL", street: "5 QUAI DE VALMY", postal: "75010", city: "PARIS", country: "FR", latitude: 48.8703, longitude: 2.3656},
		{num: "012345", name: "PRESSING BELLECOUR", street: "3 PLACE BELLECOUR", postal: "69002", city: "LYON", country: "FR", latitude: 45.7578, longitude: 4.8320},
		{num: "012346", name: "FLEURS DE LA GUILL", street: "21 GRANDE RUE DE LA GUILLOTIERE", postal: "69007", city: "LYON", country: "FR", latitude: 45.7525, longitude: 4.8437},
		{num: "066001", name: "TABAC DU VIEUX PORT", street: "44 QUAI DU PORT", postal: "13002", city: "MARSEILLE", country: "FR", latitude: 43.2960, longitude: 5.3699},
		{num: "006412", name: "NIGHT AND DAY", street: "8 RUE NEUVE", postal: "1000", city: "BRUXELLES", country: "BE", latitude: 50.8503, longitude: 4.3560},
		{num: "007001", name: "KIOSK AMSTEL", street: "WEESPERSTRAAT 10", postal: "1018 DN", city: "AMSTERDAM", country: "NL", latitude: 52.3660, longitude: 4.9080},
		{num: "080013", name: "PAPELERIA SOL", street: "CALLE MAYOR 4", postal: "28013", city: "MADRID", country: "ES", latitude: 40.4168, longitude: -3.7038},
		{num: "009001", name: "KIOSQUE GARE", street: "2 PLACE DE LA GARE", postal: "1616", city: "LUXEMBOURG", country: "LU", latitude: 49.6000, longitude: 6.1340},
	}
	for _, p := range all {
		p.maxGrams = 30_000
	}
	return all
}

// Close has a point take no more parcels.
func (m *MondialRelay) Close(point string) { m.set(point, true) }

// Open has it take parcels again.
func (m *MondialRelay) Open(point string) { m.set(point, false) }

func (m *MondialRelay) set(point string, closed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.points {
		if p.num == point {
			p.closed = closed
		}
	}
}

// Move has something happen to a parcel: stat is how far it is then.
func (m *MondialRelay) Move(number, stat, text, place string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.parcels[number]; p != nil {
		p.Stat, p.Steps = stat, append(p.Steps, RelayStep{text, place, m.now()})
	}
}

// Parcels are those that were registered, in the order of their numbers.
func (m *MondialRelay) Parcels() []RelayParcel {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]RelayParcel, 0, len(m.parcels))
	for _, p := range m.parcels {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b RelayParcel) int { return strings.Compare(a.Number, b.Number) })
	return all
}

// ServeHTTP implements http.Handler.
func (m *MondialRelay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.Plan.serve(w, r, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost && r.URL.Path == "/Web_Services.asmx":
			m.soap(w, r)
		case r.Method == http.MethodGet && r.URL.Path == "/ww2/PDF/StickerMaker2.aspx":
			m.label(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

type soapRequest struct {
	XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
	Body    struct {
		Call struct {
			XMLName xml.Name
			Fields  []struct {
				XMLName xml.Name
				Value   string `xml:",chardata"`
			} `xml:",any"`
		} `xml:",any"`
	} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
}

func (m *MondialRelay) soap(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var asked soapRequest
	if err == nil {
		err = xml.Unmarshal(raw, &asked) //nolint:musttag // the names of the fields are what is read
	}
	call := asked.Body.Call
	method := call.XMLName.Local
	known, ok := methods()[method]
	switch {
	case err != nil || !ok || call.XMLName.Space != mondialRelayNamespace:
		soapFault(w, "Server did not recognize the request.")
		return
	case strings.Trim(r.Header.Get("SOAPAction"), `"`) != mondialRelayNamespace+method:
		soapFault(w, "Server did not recognize the value of HTTP Header SOAPAction: "+r.Header.Get("SOAPAction")+".")
		return
	}
	var signed strings.Builder
	values := make(map[string]string, len(call.Fields))
	for _, f := range call.Fields {
		if f.XMLName.Local != "Security" && f.XMLName.Local != "Texte" {
			signed.WriteString(f.Value)
		}
		values[f.XMLName.Local] = f.Value
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	stat := m.check(known, values, signed.String())
	if stat != "0" {
		answer(w, method, "<STAT>"+stat+"</STAT>")
		return
	}
	switch method {
	case "WSI4_PointRelais_Recherche":
		answer(w, method, m.search(values))
	case "WSI2_CreationEtiquette":
		answer(w, method, m.create(values))
	case "WSI2_TracingColisDetaille":
		answer(w, method, m.track(values))
	}
}

// rule is what a field may be, and the code where it is not.
type rule struct {
	name, pattern, stat string
}

// methods are the fields of each method in the order of the WSDL, with the patterns of the manual.
func methods() map[string][]rule {
	const (
		enseigne = `^[0-9A-Z]{2}[0-9A-Z ]{6}$`
		country  = `^[A-Z]{2}$`
		line     = `^[0-9A-Z_\-'., /]{2,32}$`
		optional = `^[0-9A-Z_\-'., /]{0,32}$`
		city     = `^[A-Z_\-' 0-9]{2,26}$`
		postal   = `^[0-9 A-Z-]{4,10}$`
		phone    = `^((00|\+)[1-9][0-9]|0)[0-9]{8,12}$`
		noPhone  = `^(((00|\+)[1-9][0-9]|0)[0-9]{8,12})?$`
		mail     = `^[\w\-\.\@_]{0,70}$`
	)
	return map[string][]rule{
		"WSI4_PointRelais_Recherche": {
			{"Enseigne", enseigne, "1"}, {"Pays", country, "79"}, {"NumPointRelais", `^(|[0-9]{6})$`, "24"}, {"Ville", `^[A-Z_\-' 0-9]{0,26}$`, "9"},
			{"CP", `^(|[0-9 A-Z-]{4,10})$`, "36"}, {"Latitude", `^(|-?[0-9]{1,2}\.[0-9]{7})$`, "67"}, {"Longitude", `^(|-?[0-9]{1,3}\.[0-9]{7})$`, "68"},
			{"Taille", `^(|XS|S|M|L|XL|XXL|3XL)$`, "22"}, {"Poids", `^(|[0-9]{1,6})$`, "20"}, {"Action", `^(|REL|24R|24L|DRI)$`, "49"},
			{"DelaiEnvoi", `^(|-?[0-9]{2}|[0-9])$`, "98"}, {"RayonRecherche", `^(|[0-9]{1,4})$`, "98"}, {"TypeActivite", `^$|^([0-9]{3})(,[0-9]{3})*$`, "98"},
			{"NACE", `.*`, "98"}, {"NombreResultats", `^(|[0-9]{1,2})$`, "98"},
		},
		"WSI2_CreationEtiquette": {
			{"Enseigne", enseigne, "1"}, {"ModeCol", `^(CCC|CDR|CDS|REL)$`, "28"}, {"ModeLiv", `^(LCC|LD1|LDS|24R|24L|ESP|DRI|HOM)$`, "29"},
			{"NDossier", `^(|[0-9A-Z_ -]{0,15})$`, "5"}, {"NClient", `^(|[0-9A-Z]{0,9})$`, "7"},
			{"Expe_Langage", country, "72"}, {"Expe_Ad1", line, "30"}, {"Expe_Ad2", optional, "31"}, {"Expe_Ad3", line, "33"}, {"Expe_Ad4", optional, "34"},
			{"Expe_Ville", city, "35"}, {"Expe_CP", postal, "36"}, {"Expe_Pays", country, "37"}, {"Expe_Tel1", phone, "38"}, {"Expe_Tel2", noPhone, "38"}, {"Expe_Mail", mail, "39"},
			{"Dest_Langage", country, "73"}, {"Dest_Ad1", line, "50"}, {"Dest_Ad2", optional, "51"}, {"Dest_Ad3", line, "53"}, {"Dest_Ad4", optional, "54"},
			{"Dest_Ville", city, "55"}, {"Dest_CP", postal, "56"}, {"Dest_Pays", country, "57"}, {"Dest_Tel1", noPhone, "58"}, {"Dest_Tel2", noPhone, "58"}, {"Dest_Mail", mail, "59"},
			{"Poids", `^(1[5-9]|[2-9][0-9]|[0-9]{3,7})$`, "20"}, {"Longueur", `^[0-9]{0,3}$`, "21"}, {"Taille", `^(|XS|S|M|L|XL|XXL|3XL)$`, "22"},
			{"NbColis", `^[0-9]{1,2}$`, "47"}, {"CRT_Valeur", `^[0-9]{1,7}$`, "42"}, {"CRT_Devise", `^(|EUR)$`, "43"}, {"Exp_Valeur", `^[0-9]{0,7}$`, "44"}, {"Exp_Devise", `^(|EUR)$`, "45"},
			{"COL_Rel_Pays", `^(|[A-Z]{2})$`, "12"}, {"COL_Rel", `^(|[0-9]{6})$`, "11"}, {"LIV_Rel_Pays", `^(|[A-Z]{2})$`, "15"}, {"LIV_Rel", `^(|[0-9]{6})$`, "14"},
			{"TAvisage", `^(|O|N)$`, "61"}, {"TReprise", `^(|O|N)$`, "66"}, {"Montage", `^(|[0-9]{1,3})$`, "64"}, {"TRDV", `^(|O|N)$`, "65"}, {"Assurance", `^(|[0-9A-Z])$`, "63"},
			{"Instructions", `^[0-9A-Z_\-'., /]{0,31}$`, "62"},
		},
		"WSI2_TracingColisDetaille": {
			{"Enseigne", enseigne, "1"}, {"Expedition", `^[0-9]{8}$`, "24"}, {"Langue", country, "74"},
		},
	}
}

// check goes through a request as the service does: the account, the fields, the signature.
func (m *MondialRelay) check(rules []rule, values map[string]string, signed string) string {
	switch {
	case values["Enseigne"] == "":
		return "2"
	case values["Enseigne"] != m.enseigne:
		return "1"
	}
	for _, r := range rules {
		value, there := values[r.name]
		if !there {
			return "40"
		}
		if !regexp.MustCompile(r.pattern).MatchString(value) {
			return r.stat
		}
	}
	if sum := md5.Sum([]byte(signed + m.key)); values["Security"] != strings.ToUpper(hex.EncodeToString(sum[:])) { //nolint:gosec // as above
		return "97"
	}
	return "0"
}

func (m *MondialRelay) search(v map[string]string) string {
	limit, _ := strconv.Atoi(v["NombreResultats"])
	if limit == 0 {
		limit = 10
	}
	grams, _ := strconv.Atoi(v["Poids"])
	latitude, _ := strconv.ParseFloat(v["Latitude"], 64)
	longitude, _ := strconv.ParseFloat(v["Longitude"], 64)
	if v["Latitude"] == "" { // the place of a postal code is that of a point in it, or in its department
		for n := len(v["CP"]); n >= 2 && latitude == 0; n-- {
			for _, p := range m.points {
				if p.country == v["Pays"] && strings.HasPrefix(p.postal, v["CP"][:n]) {
					latitude, longitude = p.latitude, p.longitude
					break
				}
			}
		}
	}
	type found struct {
		*relay
		metres float64
	}
	var near []found
	for _, p := range m.points {
		d := metres(latitude, longitude, p.latitude, p.longitude)
		switch {
		case p.country != v["Pays"] || p.closed || grams > p.maxGrams:
		case v["NumPointRelais"] != "":
			if p.num == v["NumPointRelais"] {
				near = append(near, found{p, 0})
			}
		case d <= 20_000:
			near = append(near, found{p, d})
		}
	}
	slices.SortFunc(near, func(a, b found) int { return int(a.metres - b.metres) })
	var b strings.Builder
	b.WriteString("<STAT>0</STAT><PointsRelais>")
	for _, p := range near[:min(limit, len(near))] {
		fmt.Fprintf(&b, "<PointRelais_Details><STAT>0</STAT><Num>%s</Num><LgAdr1>%-32s</LgAdr1><LgAdr2></LgAdr2><LgAdr3>%-32s</LgAdr3><LgAdr4></LgAdr4>"+
			"<CP>%s</CP><Ville>%-26s</Ville><Pays>%s</Pays><Latitude>%s</Latitude><Longitude>%s</Longitude><TypeActivite>000</TypeActivite>",
			p.num, p.name, p.street, p.postal, p.city, p.country, comma(p.latitude), comma(p.longitude))
		for _, day := range []string{"Lundi", "Mardi", "Mercredi", "Jeudi", "Vendredi", "Samedi", "Dimanche"} {
			times := []string{"0900", "1230", "1400", "1900"}
			switch day {
			case "Samedi":
				times = []string{"1000", "1800", "0000", "0000"}
			case "Dimanche":
				times = []string{"0000", "0000", "0000", "0000"}
			}
			fmt.Fprintf(&b, "<Horaires_%s><string>%s</string></Horaires_%s>", day, strings.Join(times, "</string><string>"), day)
		}
		fmt.Fprintf(&b, "<Distance>%d</Distance></PointRelais_Details>", int(p.metres))
	}
	b.WriteString("</PointsRelais>")
	return b.String()
}

func (m *MondialRelay) create(v map[string]string) string {
	if v["ModeLiv"] == "24R" {
		switch {
		case v["LIV_Rel"] == "":
			return "<STAT>14</STAT>"
		case v["LIV_Rel_Pays"] != v["Dest_Pays"]:
			return "<STAT>92</STAT>"
		}
		open := slices.ContainsFunc(m.points, func(p *relay) bool { return p.num == v["LIV_Rel"] && p.country == v["LIV_Rel_Pays"] && !p.closed })
		if !open {
			return "<STAT>93</STAT>"
		}
	}
	m.next++
	number := strconv.Itoa(m.next)
	m.parcels[number] = &RelayParcel{Number: number, Fields: v, Stat: "80", Steps: []RelayStep{{"RÉCEPTION DES DONNÉES", "", m.now()}}}
	link := "/ww2/PDF/StickerMaker2.aspx?ens=" + url.QueryEscape(m.enseigne) + "&expedition=" + number + "&lg=" + v["Dest_Langage"] + "&format=A4&crc=" + m.crc(number)
	return "<STAT>0</STAT><ExpeditionNum>" + number + "</ExpeditionNum><URL_Etiquette>" + strings.ReplaceAll(link, "&", "&amp;") + "</URL_Etiquette>"
}

func (m *MondialRelay) crc(number string) string {
	sum := md5.Sum([]byte("<" + m.enseigne + ">" + number + "<" + m.key + ">")) //nolint:gosec // as above
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func (m *MondialRelay) label(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	number := r.URL.Query().Get("expedition")
	p := m.parcels[number]
	if p == nil || r.URL.Query().Get("crc") != m.crc(number) {
		http.Error(w, "not allowed", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/pdf")
	f := p.Fields
	_, _ = w.Write(pdf("MONDIAL RELAY (FAKE)", number, "", f["Dest_Ad1"], f["Dest_Ad2"], f["Dest_Ad3"], f["Dest_Ad4"], f["Dest_CP"]+" "+f["Dest_Ville"], f["Dest_Pays"],
		"", "POINT RELAIS "+f["LIV_Rel_Pays"]+" "+f["LIV_Rel"], f["Poids"]+" G", f["NDossier"]))
}

func (m *MondialRelay) track(v map[string]string) string {
	p := m.parcels[v["Expedition"]]
	if p == nil {
		return "<STAT>94</STAT>"
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		paris = time.UTC
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<STAT>%s</STAT><Libelle01></Libelle01><Relais_Libelle></Relais_Libelle><Relais_Num>%s</Relais_Num><Libelle02></Libelle02><Tracing>", p.Stat, p.Fields["LIV_Rel"])
	for _, s := range p.Steps {
		at := s.At.In(paris)
		fmt.Fprintf(&b, "<ret_WSI2_sub_TracingColisDetaille><Libelle>%s</Libelle><Date>%s</Date><Heure>%s</Heure><Emplacement>%s</Emplacement><Relais_Num/><Relais_Pays/></ret_WSI2_sub_TracingColisDetaille>",
			escape(s.Text), at.Format("02/01/06"), at.Format("15:04"), escape(s.Place))
	}
	for range 10 - min(len(p.Steps), 10) { // the service fills its table up
		b.WriteString("<ret_WSI2_sub_TracingColisDetaille><Libelle/><Date/><Heure/><Emplacement/><Relais_Num/><Relais_Pays/></ret_WSI2_sub_TracingColisDetaille>")
	}
	b.WriteString("</Tracing>")
	return b.String()
}

func answer(w http.ResponseWriter, method, result string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	fmt.Fprintf(w, `%s<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><%sResponse xmlns="%s"><%sResult>%s</%sResult></%sResponse></soap:Body></soap:Envelope>`,
		xml.Header, method, mondialRelayNamespace, method, result, method, method)
}

func soapFault(w http.ResponseWriter, why string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, `%s<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault><faultcode>soap:Client</faultcode><faultstring>%s</faultstring></soap:Fault></soap:Body></soap:Envelope>`,
		xml.Header, escape(why))
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes all
	return b.String()
}

func comma(f float64) string { return strings.Replace(strconv.FormatFloat(f, 'f', 7, 64), ".", ",", 1) }

// metres is how far two places are from one another, on a round earth.
func metres(latitude1, longitude1, latitude2, longitude2 float64) float64 {
	rad := func(d float64) float64 { return d * math.Pi / 180 }
	dy, dx := rad(latitude2-latitude1), rad(longitude2-longitude1)
	a := math.Pow(math.Sin(dy/2), 2) + math.Cos(rad(latitude1))*math.Cos(rad(latitude2))*math.Pow(math.Sin(dx/2), 2)
	return 2 * 6_371_000 * math.Asin(math.Min(1, math.Sqrt(a)))
}
