package graph_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/chat"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
)

// reader asks for every field of everything that somebody comes to from the roots of the schema.
type reader struct {
	schema *ast.Schema
	who    apitest.Client
	seen   map[string]int  // how many of a kind of id were read
	asked  map[string]bool // ids
	todo   []string
}

// enough of one kind.
const enough = 3

const tooCostly = "QUERY_TOO_COSTLY"

var anID = regexp.MustCompile(`"([a-z]{3}_[0-9a-hjkmnp-tv-z]{26})"`)

// everything reads everything that everybody comes to. What they may read has to be answered without an error.
func everything(t *testing.T, a *graphtest.API) {
	t.Helper()
	all := append([]graphtest.Person{{Client: a.Nobody()}}, a.People()...)
	for _, p := range all {
		r := &reader{schema: schema(), who: p.Client, seen: map[string]int{}, asked: map[string]bool{}}
		role := ""
		if p.Token != "" {
			role = p.Must(t, `{ viewer { role } }`, nil).Str("viewer.role")
		}
		r.roots(t, role)
		for len(r.todo) > 0 {
			next := r.todo[0]
			r.todo = r.todo[1:]
			r.node(t, next)
		}
		r.events(t, a, p.ID, role)
	}
}

// events has somebody told of all that happened to what they have read.
func (r *reader) events(t *testing.T, a *graphtest.API, who uuid.UUID, role string) {
	t.Helper()
	if role == "" {
		return
	}
	r.listen(t, a, "viewerEvents", "", feed.Topic(who))
	if role == "SUPPORT" || role == "ADMIN" {
		r.listen(t, a, "supportEvents", "", feed.SupportTopic)
	}
	for text := range r.asked {
		kind, thing, err := id.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		switch kind {
		case id.Order:
			r.listen(t, a, "orderEvents", `orderId: "`+text+`", `, order.Topic(thing))
		case id.Auction:
			r.listen(t, a, "auctionEvents", `auctionId: "`+text+`", `, auction.Topic(thing))
		case id.Show:
			r.listen(t, a, "showEvents", `showId: "`+text+`", `, show.Topic(thing))
		case id.Conversation:
			r.listen(t, a, "conversationEvents", `conversationId: "`+text+`", `, chat.Topic(thing))
		case id.Offer:
			r.listen(t, a, "offerEvents", `offerId: "`+text+`", `, offer.Topic(thing))
		default: // of the others there are no events
		}
	}
}

// listen reads a topic from its beginning. Not everything of a topic is for everybody who may listen.
func (r *reader) listen(t *testing.T, a *graphtest.API, field, argument string, topic realtime.Topic) {
	t.Helper()
	n := a.Int(`SELECT count(*) FROM event WHERE topic = $1`, string(topic))
	if n == 0 {
		return
	}
	def := r.schema.Types[r.schema.Subscription.Fields.ForName(field).Type.Name()]
	stream := r.who.Subscribe(t, "subscription { "+field+"("+argument+"afterVersion: 0)"+r.selection(def, 3)+" }", nil)
	defer time.AfterFunc(10*time.Second, stream.Cut).Stop()
	defer stream.Cut()
	for range n {
		if _, err := stream.Receive(); err != nil {
			if strings.Contains(err.Error(), "GRAPHQL") || strings.Contains(err.Error(), "INTERNAL") {
				t.Errorf("%s: %v", field, err)
			}
			return
		}
	}
}

func (r *reader) roots(t *testing.T, role string) {
	t.Helper()
	for _, f := range rootFields(r.schema)[r.schema.Query] {
		if outcome(f, identity.Role(role)) != "ALLOWED" {
			continue
		}
		if arguments, ok := r.arguments(f); ok {
			r.fields(t, f.Name+arguments, r.schema.Types[f.Type.Name()], nil)
		}
	}
}

// arguments are those that have to be given, where they are numbers; others can't be made up.
func (r *reader) arguments(f *ast.FieldDefinition) (string, bool) {
	var given []string
	for _, arg := range f.Arguments {
		switch {
		case arg.Name == "first":
			given = append(given, "first: 3")
		case !arg.Type.NonNull || arg.DefaultValue != nil:
		case arg.Type.Name() == "Int":
			given = append(given, arg.Name+": 1")
		default:
			return "", false
		}
	}
	if len(given) == 0 {
		return "", true
	}
	return "(" + strings.Join(given, ", ") + ")", true
}

func (r *reader) node(t *testing.T, text string) {
	t.Helper()
	vars := apitest.Vars{"id": text}
	answer, err := r.who.Do(`query($id: ID!) { node(id: $id) { __typename } }`, vars)
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Errors) > 0 { // an id of what is no node
		return
	}
	name := apitest.Look(t, answer.Data).Str("node.__typename")
	if def := r.schema.Types[name]; def != nil {
		r.fields(t, "node(id: $id) { ... on "+name, def, vars)
	}
}

// fields asks for all that an object has, in as many requests as that costs.
func (r *reader) fields(t *testing.T, head string, def *ast.Definition, vars apitest.Vars) {
	t.Helper()
	if def.IsLeafType() {
		r.ask(t, head, vars)
		return
	}
	var fields []string
	for _, f := range def.Fields {
		arguments, ok := r.arguments(f)
		of := r.schema.Types[f.Type.Name()]
		switch {
		case !ok || strings.HasPrefix(f.Name, "__"):
		case of.IsLeafType():
			fields = append(fields, f.Name+arguments)
		default:
			fields = append(fields, f.Name+arguments+r.selection(of, 3))
		}
	}
	if code := r.ask(t, head+" { "+strings.Join(fields, " ")+" }", vars); code != tooCostly {
		return
	}
	for _, field := range fields {
		if r.ask(t, head+" { "+field+" }", vars) == tooCostly {
			t.Errorf("%s { %s } is too costly", head, field)
		}
	}
}

// selection is all of a value, so and so deep, and of what has an id its id: it is read by that.
func (r *reader) selection(def *ast.Definition, deep int) string {
	switch {
	case def.IsAbstractType():
		return " { __typename ... on Node { id } }"
	case slices.Contains(def.Interfaces, "Node"):
		return " { id }"
	}
	fields := []string{"__typename"}
	for _, f := range def.Fields {
		arguments, ok := r.arguments(f)
		of := r.schema.Types[f.Type.Name()]
		switch {
		case !ok:
		case of.IsLeafType():
			fields = append(fields, f.Name+arguments)
		case deep > 0:
			fields = append(fields, f.Name+arguments+r.selection(of, deep-1))
		}
	}
	return " { " + strings.Join(fields, " ") + " }"
}

// ask sends a query without its last braces, and tells when it asks for too much.
func (r *reader) ask(t *testing.T, query string, vars apitest.Vars) (code string) {
	t.Helper()
	query = "{ " + query + strings.Repeat(" }", strings.Count(query, "{")-strings.Count(query, "}")+1)
	if vars != nil {
		query = "query($id: ID!) " + query
	}
	answer, err := r.who.Do(query, vars)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range answer.Errors {
		if e.Extensions.Code == tooCostly {
			return tooCostly
		}
		t.Errorf("%s %v: %s %s %v", query, vars, e.Extensions.Code, e.Message, e.Path)
	}
	for _, found := range anID.FindAllStringSubmatch(string(answer.Data), -1) {
		text := found[1]
		if kind := text[:3]; !r.asked[text] && r.seen[kind] < enough {
			r.asked[text] = true
			r.seen[kind]++
			r.todo = append(r.todo, text)
		}
	}
	return ""
}

// Other tests end with it as well.
func TestEverythingInAShop(t *testing.T) {
	t.Parallel()
	a := newAisle(t)
	everything(t, a.API)
}
