package graph_test

import (
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
)

const (
	addressCreate = `mutation($input: AddressCreateInput!) { addressCreate(input: $input) { address { id name line1 line2 city region postalCode country phone default }
		userErrors { code field ... on PostalCodeInvalid { example } } } }`
	addressUpdate = `mutation($input: AddressUpdateInput!) { addressUpdate(input: $input) { address { id city postalCode default } userErrors { code field } } }`
	addressDelete = `mutation($input: AddressDeleteInput!) { addressDelete(input: $input) { addresses { id default } userErrors { code field } } }`
	ownAddresses  = `{ viewer { addresses { id default } } }`
)

func parisOf(name string) apitest.Vars {
	return apitest.Vars{"name": name, "line1": "12 rue de la Paix", "city": "Paris", "postalCode": "f-75002", "country": "fr", "phone": "06 12 34 56 78"}
}

// An address book, as its user has it and nobody else.
func TestAddressesThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	buyer, other := a.Person(identity.Buyer), a.Person(identity.Buyer)
	made := buyer.Must(t, addressCreate, input(parisOf("Amal  Haddad")))
	home := made.Str("addressCreate.address.id")
	if got := string(made.Raw()); !strings.Contains(got, `"name":"Amal Haddad","line1":"12 rue de la Paix","line2":"","city":"Paris","region":"","postalCode":"75002","country":"FR","phone":"+33612345678","default":true`) {
		t.Errorf("made: %s", got)
	}
	second := buyer.Must(t, addressCreate, input(parisOf("Work"))).Str("addressCreate.address.id")
	if got := string(buyer.Must(t, ownAddresses, nil).Raw()); got != `{"viewer":{"addresses":[{"id":"`+home+`","default":true},{"id":"`+second+`","default":false}]}}` {
		t.Errorf("the book: %s", got)
	}
	wrong := body(t, buyer.Client, addressCreate, input(with(parisOf("x"), "postalCode", "SW1A 1AA")))
	if !strings.Contains(wrong, `{"code":"ADDRESS_POSTAL_CODE","field":["postalCode"],"example":"75001"}`) {
		t.Errorf("a wrong postal code: %s", wrong)
	}
	for code, in := range map[string]apitest.Vars{
		"ADDRESS_NAME": parisOf(""), "ADDRESS_COUNTRY": with(parisOf("x"), "country", "AQ"), "ADDRESS_PHONE": with(parisOf("x"), "phone", "12"),
		"ADDRESS_LINE": with(parisOf("x"), "line2", strings.Repeat("x", 101)), "ADDRESS_CITY": with(parisOf("x"), "city", "9"), "ADDRESS_REGION": with(parisOf("x"), "country", "US"),
	} {
		if got := codeOf(t, buyer.Client, addressCreate, input(in)); got != code {
			t.Errorf("%s: %s", code, got)
		}
	}
	one := func(address string) apitest.Vars { return apitest.Vars{"addressId": address} }
	for query, vars := range map[string]apitest.Vars{addressUpdate: with(one(home), "city", "Lyon"), addressDelete: one(home)} {
		if got := codeOf(t, other.Client, query, input(vars)); got != "ADDRESS_NOT_FOUND" {
			t.Errorf("somebody else: %s", got)
		}
		if got := codeOf(t, buyer.Client, query, input(with(vars, "addressId", made.Str("addressCreate.address.id")[:4]+strings.Repeat("0", 26)))); got != "ADDRESS_NOT_FOUND" {
			t.Errorf("none: %s", got)
		}
	}
	node := `query($id: ID!) { node(id: $id) { ... on Address { city } } }`
	if got := string(other.Must(t, node, apitest.Vars{"id": home}).Raw()); got != `{"node":null}` {
		t.Errorf("somebody else reads %s", got)
	}
	if got := string(a.Nobody().Must(t, node, apitest.Vars{"id": home}).Raw()); got != `{"node":null}` {
		t.Errorf("nobody reads %s", got)
	}
	moved := buyer.Must(t, addressUpdate, input(with(with(one(second), "city", "Lyon"), "default", true)))
	if got := string(moved.Raw()); !strings.Contains(got, `"city":"Lyon","postalCode":"75002","default":true`) {
		t.Errorf("changed: %s", got)
	}
	left := buyer.Must(t, addressDelete, input(one(second)))
	if got := string(left.Raw()); got != `{"addressDelete":{"addresses":[{"id":"`+home+`","default":true}],"userErrors":[]}}` {
		t.Errorf("left: %s", got)
	}
	countries := a.Nobody().Must(t, `{ addressCountries { code postalCodeExample postalCodeNeeded regions { code name } } }`, nil)
	if got := string(countries.Raw()); !strings.Contains(got, `{"code":"FR","postalCodeExample":"75001","postalCodeNeeded":true,"regions":[]}`) || !strings.Contains(got, `{"code":"QC","name":"Quebec"}`) {
		t.Errorf("countries: %s", got)
	}
}
