package graph_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
)

func schema() *ast.Schema {
	return generated.NewExecutableSchema(generated.Config{}).Schema()
}

// own are the types that the schema files declare.
func own(s *ast.Schema) []*ast.Definition {
	var types []*ast.Definition
	for _, def := range s.Types {
		if !def.BuiltIn {
			types = append(types, def)
		}
	}
	slices.SortFunc(types, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return types
}

// rootFields are the fields of the three roots, without those of introspection.
func rootFields(s *ast.Schema) map[*ast.Definition]ast.FieldList {
	roots := map[*ast.Definition]ast.FieldList{}
	for _, root := range []*ast.Definition{s.Query, s.Mutation, s.Subscription} {
		for _, f := range root.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				roots[root] = append(roots[root], f)
			}
		}
	}
	return roots
}

// Whose a field is has to be said of each: a new one without a rule fails here.
func TestEveryRootFieldHasARule(t *testing.T) {
	t.Parallel()
	for root, fields := range rootFields(schema()) {
		for _, f := range fields {
			open, auth := f.Directives.ForName("public"), f.Directives.ForName("auth")
			if (open == nil) == (auth == nil) {
				t.Errorf("%s.%s needs exactly one of @public and @auth", root.Name, f.Name)
			}
			if f.Description == "" && open != nil && !strings.EqualFold(f.Name, f.Type.Name()) {
				t.Errorf("%s.%s has no description", root.Name, f.Name)
			}
		}
	}
}

func TestEveryRoleExists(t *testing.T) {
	t.Parallel()
	s := schema()
	known := []identity.Role{identity.Buyer, identity.Seller, identity.Support, identity.Admin}
	for _, v := range s.Types["Role"].EnumValues {
		if !slices.Contains(known, identity.Role(v.Name)) {
			t.Errorf("the schema's role %s is none of identity's", v.Name)
		}
	}
	if len(s.Types["Role"].EnumValues) != len(known) {
		t.Error("identity has roles that the schema lacks")
	}
	for _, def := range own(s) {
		for _, f := range def.Fields {
			for _, role := range rolesOf(f) {
				if !slices.Contains(known, role) {
					t.Errorf("%s.%s is for %s, which is no role", def.Name, f.Name, role)
				}
			}
		}
	}
}

func rolesOf(f *ast.FieldDefinition) []identity.Role {
	auth := f.Directives.ForName("auth")
	if auth == nil || auth.Arguments.ForName("roles") == nil {
		return nil
	}
	var roles []identity.Role
	for _, child := range auth.Arguments.ForName("roles").Value.Children {
		roles = append(roles, identity.Role(child.Value.Raw))
	}
	return roles
}

func TestMutationsAreOfOneShape(t *testing.T) {
	t.Parallel()
	s := schema()
	for _, f := range rootFields(s)[s.Mutation] {
		name := strings.ToUpper(f.Name[:1]) + f.Name[1:]
		payload := s.Types[f.Type.Name()]
		if errs := payload.Fields.ForName("userErrors"); errs == nil || errs.Type.String() != "[UserError!]!" {
			t.Errorf("%s: %s has no userErrors: [UserError!]!", f.Name, payload.Name)
		}
		if payload.Name != name+"Payload" || !f.Type.NonNull {
			t.Errorf("%s gives %s", f.Name, f.Type)
		}
		for _, field := range payload.Fields {
			if field.Name != "userErrors" && field.Type.NonNull {
				t.Errorf("%s.%s can't be null, so a refusal has nowhere to go", payload.Name, field.Name)
			}
		}
		if f.Name == "signOut" { // what it ends is the session that asks
			continue
		}
		if len(f.Arguments) != 1 || f.Arguments[0].Name != "input" || f.Arguments[0].Type.String() != name+"Input!" {
			t.Errorf("%s does not take input: %sInput!", f.Name, name)
		}
	}
}

func TestConnectionsAreOfOneShape(t *testing.T) {
	t.Parallel()
	s := schema()
	for _, def := range own(s) {
		for _, f := range def.Fields {
			connection := s.Types[f.Type.Name()]
			if connection == nil || !strings.HasSuffix(connection.Name, "Connection") {
				continue
			}
			first, after := f.Arguments.ForName("first"), f.Arguments.ForName("after")
			if first == nil || after == nil || first.Type.String() != "Int" || after.Type.String() != "String" {
				t.Errorf("%s.%s takes no first: Int and after: String", def.Name, f.Name)
			}
			node := strings.TrimSuffix(connection.Name, "Connection")
			for name, want := range map[string]string{"edges": "[" + node + "Edge!]!", "nodes": "[" + node + "!]!", "pageInfo": "PageInfo!"} {
				if field := connection.Fields.ForName(name); field == nil || field.Type.String() != want {
					t.Errorf("%s.%s is no %s", connection.Name, name, want)
				}
			}
			if f.Description == "" {
				t.Errorf("%s.%s does not say in what order it is", def.Name, f.Name)
			}
		}
	}
}

// A subscription delivers each event, and then it is resumed by its version, or only the newest answer counts.
func TestSubscriptionsResumeOrDrop(t *testing.T) {
	t.Parallel()
	s := schema()
	roots := rootFields(s)
	for _, f := range roots[s.Subscription] {
		resumes := f.Arguments.ForName("afterVersion") != nil && f.Arguments.ForName("epoch") != nil
		counts := s.Types[f.Type.Name()].Fields.ForName("version") != nil
		drops := f.Directives.ForName("droppable") != nil
		if resumes == drops || counts != resumes {
			t.Errorf("%s: resumes %t, its events have versions %t, droppable %t", f.Name, resumes, counts, drops)
		}
	}
	for _, def := range own(s) {
		for _, f := range def.Fields {
			if def != s.Subscription && f.Directives.ForName("droppable") != nil {
				t.Errorf("%s.%s is no subscription, and cannot be droppable", def.Name, f.Name)
			}
		}
	}
}

// Money and texts have units and bounds that a type alone does not tell.
func TestInputsSayTheirBounds(t *testing.T) {
	t.Parallel()
	plain := []string{"email", "password"} // of signIn: whatever they are, they match or do not
	for _, def := range own(schema()) {
		if def.Kind != ast.InputObject {
			continue
		}
		for _, f := range def.Fields {
			bounded := f.Type.Name() == "String" || f.Type.Name() == "Int"
			if bounded && f.Description == "" && !slices.Contains(plain, f.Name) {
				t.Errorf("%s.%s does not say what it may be", def.Name, f.Name)
			}
		}
	}
}

// Every field of the roots, asked for by everybody: what happens is what the schema says.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	people := map[string]struct {
		role identity.Role
		who  apitest.Client
	}{
		"nobody": {"", b.Nobody()}, "buyer": {identity.Buyer, b.rival.Client}, "seller": {identity.Seller, b.rivalSeller.Client},
		"support": {identity.Support, b.support.Client}, "admin": {identity.Admin, b.admin.Client},
	}
	s := schema()
	for root, fields := range rootFields(s) {
		for _, f := range fields {
			if f.Name == "signOut" { // would end the session that the others are asked with; the same rule as viewer
				continue
			}
			for name, person := range people {
				got := ask(t, person.who, s, root, f)
				if want := outcome(f, person.role); got != want {
					t.Errorf("%s.%s by %s: %s, want %s", root.Name, f.Name, name, got, want)
				}
			}
		}
	}
}

// outcome is what the directive says about a role, written down apart from the code that holds it.
func outcome(f *ast.FieldDefinition, role identity.Role) string {
	needs := rolesOf(f)
	asSeller := role == identity.Seller && slices.Contains(needs, identity.Buyer)
	asAdmin := role == identity.Admin && slices.Contains(needs, identity.Support)
	switch {
	case f.Directives.ForName("public") != nil:
		return "ALLOWED"
	case role == "":
		return "UNAUTHENTICATED"
	case len(needs) == 0 || slices.Contains(needs, role) || asSeller || asAdmin:
		return "ALLOWED"
	default:
		return "FORBIDDEN"
	}
}

// ask asks for a root field with arguments that are of their types and name nothing: who may ask at all is told
// before anybody looks.
func ask(t *testing.T, who apitest.Client, s *ast.Schema, root *ast.Definition, f *ast.FieldDefinition) string {
	t.Helper()
	arguments := make([]string, 0, len(f.Arguments))
	for _, arg := range f.Arguments {
		if arg.Type.NonNull {
			arguments = append(arguments, arg.Name+": "+sample(s, arg.Type))
		}
	}
	query := strings.ToLower(root.Name) + " { " + f.Name
	if len(arguments) > 0 {
		query += "(" + strings.Join(arguments, ", ") + ")"
	}
	if def := s.Types[f.Type.Name()]; def.IsCompositeType() {
		query += " { __typename }"
	}
	query += " }"
	var code string
	if root == s.Subscription {
		if _, err := who.Subscribe(t, query, nil).Receive(); err != nil {
			code = err.Error()
		}
	} else {
		answer, err := who.Do(query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Errors) > 0 {
			code = answer.Errors[0].Extensions.Code
		}
	}
	for _, refused := range []string{"UNAUTHENTICATED", "FORBIDDEN"} {
		if strings.Contains(code, refused) {
			return refused
		}
	}
	if strings.Contains(code, "GRAPHQL_") || strings.Contains(code, "INTERNAL") {
		t.Errorf("%s: %s", query, code)
	}
	return "ALLOWED"
}

// sample is a value of a type.
func sample(s *ast.Schema, typ *ast.Type) string {
	if typ.Elem != nil {
		return "[" + sample(s, typ.Elem) + "]"
	}
	def := s.Types[typ.NamedType]
	if def.Kind == ast.Enum {
		return def.EnumValues[0].Name
	}
	if def.Kind == ast.InputObject {
		var fields []string
		for _, f := range def.Fields {
			if f.Type.NonNull && f.DefaultValue == nil {
				fields = append(fields, f.Name+": "+sample(s, f.Type))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	}
	values := map[string]string{
		"ID": `"top_01jzzzzzzzezzzzzzzzzzzzzzz"`, "String": `"x"`, "Int": "1", "Boolean": "true", "Decimal": `"1"`, "BigInt": `"1"`, "CurrencyCode": `"EUR"`, "Time": `"2026-01-31T18:30:00Z"`,
	}
	return values[typ.NamedType]
}

// The query that GraphiQL, code generators and linters send.
const fullIntrospection = `query IntrospectionQuery {
  __schema {
    description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}`

func TestIntrospectionInDevelopment(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	raw := a.Nobody().Must(t, fullIntrospection, nil).At("__schema.types").Raw()
	var types []struct{ Name string }
	if err := json.Unmarshal(raw, &types); err != nil || len(types) < 50 {
		t.Errorf("%d types, %v", len(types), err)
	}
}

func TestIntrospectionInProduction(t *testing.T) {
	t.Parallel()
	b := newBazaar(t, graphtest.Production)
	hidden := []string{fullIntrospection, `{ __type(name: "Order") { name } }`, `{ ...F } fragment F on Query { __schema { types { name } } }`}
	var table []bad
	for _, query := range hidden {
		for name, who := range map[string]apitest.Client{"nobody": b.Nobody(), "buyer": b.buyer.Client, "seller": b.seller.Client} {
			table = append(table, bad{name: name, who: who, query: query, code: "INTROSPECTION_FORBIDDEN", top: true})
		}
	}
	b.refuse(t, table)
	for _, staff := range []graphtest.Person{b.support, b.admin} {
		for _, query := range hidden {
			staff.Must(t, query, nil)
		}
	}
	if got := b.Nobody().Must(t, `{ __typename }`, nil).Str("__typename"); got != "Query" {
		t.Errorf("__typename is %s", got)
	}
	answer, err := b.Nobody().Do(`{ listingz { nodes { id } } }`, nil)
	if err != nil || len(answer.Errors) == 0 || strings.Contains(answer.Errors[0].Message, "mean") {
		t.Errorf("a wrong guess is helped: %+v, %v", answer.Errors, err)
	}
}
