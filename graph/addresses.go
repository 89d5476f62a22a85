package graph

import (
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/address"
)

func postal(in model.AddressCreateInput) address.Postal {
	return address.Postal{
		Name: in.Name, Line1: in.Line1, Line2: in.Line2, City: in.City, Region: in.Region, PostalCode: in.PostalCode, Country: in.Country, Phone: in.Phone,
	}
}

func addressChange(in model.AddressUpdateInput) address.Change {
	return address.Change{
		Name: in.Name, Line1: in.Line1, Line2: in.Line2, City: in.City, Region: in.Region, PostalCode: in.PostalCode, Country: in.Country, Phone: in.Phone,
		Default: in.Default,
	}
}
