package checkout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/tax"
)

// Choice is how a buyer wants the goods of a seller to be brought.
type Choice struct {
	Seller uuid.UUID
	shipping.Choice
}

// append writes the choice for a request's hash.
func (c Choice) append(text []byte) []byte {
	at, point := "all", "none"
	if c.Location != nil {
		at = c.Location.String()
	}
	if c.Point != nil {
		point = *c.Point
	}
	return fmt.Appendf(text, "\n%s %s %q %q", c.Seller, at, c.Option, point)
}

// part is so much of a variant at one place.
type part struct {
	at       uuid.UUID // nil for what exists once
	quantity int64
	grams    *int32 // of one; nil where its seller has not said so
	price    money.Amount
}

func partsOf(row db.QuoteLinesToMakeRow) []part {
	parts := make([]part, len(row.Locations))
	for i, at := range row.Locations {
		parts[i] = part{at, int64(row.Parts[i]), row.Grams, money.New(*row.Price, money.Currency(*row.Currency))}
	}
	return parts
}

// InPerson says that it is handed over, and sent nowhere.
func (g QuoteGroup) InPerson() bool {
	return len(g.Parcels) > 0 && g.Parcels[0].Choice().Kind == shipping.InPerson
}

// sent says that it goes to an address.
func (g QuoteGroup) sent() bool { return !g.Digital && !g.InPerson() }

// carriage is what bringing it costs: a charge for each parcel that costs something.
func (g QuoteGroup) carriage() (charges []order.Charge) {
	for _, p := range g.Parcels {
		o := p.Choice()
		if o.Cost.Minor == 0 {
			continue
		}
		charge := order.Charge{Kind: order.Shipping, Bearer: order.AsBuyer, Counterparty: order.WithPlatform, Label: o.Name, Estimated: o.Estimated, Amount: o.Cost}
		if o.Free {
			charge.Bearer = order.AsSeller
		}
		if o.Kind == shipping.BySeller {
			charge.Counterparty = order.WithSeller
		}
		charges = append(charges, charge)
	}
	return charges
}

// parcels divides what it is of by where it lies: what exists once goes with the first of the others.
func (g QuoteGroup) parcels(profile shipping.Profile) (plans []shipping.Plan, values []money.Amount, err error) {
	parts := slices.Clone(g.parts)
	slices.SortStableFunc(parts, func(a, b part) int { // those without a place come last
		return nils(a.at) - nils(b.at)
	})
	for _, p := range parts {
		i := slices.IndexFunc(plans, func(plan shipping.Plan) bool { return p.at == uuid.Nil || *plan.Location == p.at })
		if i < 0 || len(plans) == 0 {
			i = len(plans)
			plan := shipping.Plan{}
			if p.at != uuid.Nil {
				plan.Location = &p.at
			}
			plans, values = append(plans, plan), append(values, money.New(0, p.price.Currency))
		}
		grams := int64(profile.Grams)
		if p.grams != nil {
			grams = int64(*p.grams)
		}
		// What one weighs and how many there are of it are bounded far below the square root of what an integer holds.
		plans[i].Grams = int(min(int64(plans[i].Grams)+grams*p.quantity, maxGrams))
		amount, err := order.Line{Quantity: int(p.quantity), UnitPrice: p.price}.Amount()
		if err == nil {
			values[i], err = values[i].Add(amount)
		}
		if err != nil {
			return nil, nil, at(err, "variantIds")
		}
	}
	return plans, values, nil
}

// maxGrams is more than any carrier takes, and what a shipment's row holds.
const maxGrams = 1_000_000_000

func nils(id uuid.UUID) int {
	if id == uuid.Nil {
		return 1
	}
	return 0
}

// local is where a seller hands over what is fetched in person, and what tax is due there.
type local struct {
	country string
	rates   tax.Rates
}

// plan says of each group how it is brought: as its buyer chose, else in the cheapest way. It asks carriers, and only for sellers who have said how they send.
func (s *Service) plan(ctx context.Context, groups []QuoteGroup, in asked) (map[uuid.UUID]local, error) {
	used := make([]bool, len(in.Shipping))
	senders, err := s.senders(ctx, groups)
	if err != nil {
		return nil, err
	}
	here := map[uuid.UUID]local{}
	for i := range groups {
		g := &groups[i]
		from, ok := senders[g.SellerID]
		if ok && !g.Digital {
			if err := s.planGroup(ctx, g, from, in, used); err != nil {
				return nil, err
			}
		}
		if g.sent() && in.to == nil {
			return nil, ErrAddressRequired.At("addressId")
		}
		if g.InPerson() && from.From != nil {
			here[g.SellerID] = local{from.From.Country, s.tax.Rates(ctx, tax.Region{Country: from.From.Country, State: from.From.Region})}
		}
	}
	if i := slices.Index(used, false); i >= 0 {
		return nil, shipping.ErrOption.At("shipping", strconv.Itoa(i), "sellerId")
	}
	return here, nil
}

// senders are the sellers of what is sent, of those who have said how they send.
func (s *Service) senders(ctx context.Context, groups []QuoteGroup) (map[uuid.UUID]shipping.Sender, error) {
	var sellers []uuid.UUID
	for _, g := range groups {
		if !g.Digital && g.profiled {
			sellers = append(sellers, g.SellerID)
		}
	}
	if len(sellers) == 0 {
		return nil, nil
	}
	return s.shipping.Senders(ctx, sellers)
}

// planGroup plans the parcels of a group, and marks what of the buyer's choices was used.
func (s *Service) planGroup(ctx context.Context, g *QuoteGroup, from shipping.Sender, in asked, used []bool) error {
	ask := shipping.PlanAsk{Sender: from, To: in.to, Currency: g.Lines[0].UnitPrice.Currency}
	var err error
	if ask.Parcels, ask.Values, err = g.parcels(from.Profile); err != nil {
		return err
	}
	var chosen []int // of in.Shipping, by the index in ask.Choices
	for i, c := range in.Shipping {
		there := c.Location == nil || slices.ContainsFunc(ask.Parcels, func(p shipping.Plan) bool { return p.Location != nil && *p.Location == *c.Location })
		if c.Seller == g.SellerID && there {
			ask.Choices, chosen, used[i] = append(ask.Choices, c.Choice), append(chosen, i), true
		}
	}
	g.Parcels, err = s.shipping.Plan(ctx, ask)
	if refused, ok := errors.AsType[*shipping.ChoiceError](err); ok {
		f, ours := fault.As(refused.Err)
		switch {
		case !ours:
			return err
		case refused.Choice < 0:
			return f.At("addressId")
		}
		return f.At("shipping", strconv.Itoa(chosen[refused.Choice]), refused.Field)
	}
	return err
}

// uncheckedError is the pickup points of a quote, to be asked for before it is confirmed: outside of its transaction.
type uncheckedError []shipping.Plan

func (uncheckedError) Error() string { return "pickup points are to be checked" }

// pointsOf are the pickup points that a quote's buyer chose. Where one is missing it can't be confirmed.
func pointsOf(groups []QuoteGroup) (points uncheckedError, err error) {
	for _, g := range groups {
		for _, p := range g.Parcels {
			switch {
			case p.Point != nil:
				points = append(points, p)
			case p.Choice().ToPoint:
				return nil, shipping.ErrPointNeeded.At("quoteId")
			}
		}
	}
	return points, nil
}

// checkPoints refuses where a pickup point has closed since its quote. A carrier that does not answer refuses nothing: the point was open when the quote was made, and
// the seller is told by the carrier when they buy the label.
func (s *Service) checkPoints(ctx context.Context, points uncheckedError) error {
	ctx, cancel := context.WithTimeout(ctx, pointPatience)
	defer cancel()
	closed := make([]error, len(points))
	var wait sync.WaitGroup
	for i, p := range points {
		wait.Go(func() { _, closed[i] = s.shipping.OpenPoint(ctx, p.Point.Carrier, p.Point.Country, p.Point.ID) })
	}
	wait.Wait()
	for _, err := range closed {
		if errors.Is(err, shipping.ErrPointClosed) {
			return at(err, "quoteId")
		}
	}
	return nil
}

// writeParcels writes parcels as a row keeps them; nothing where there are none.
func writeParcels(plans []shipping.Plan) (string, error) {
	if len(plans) == 0 {
		return "", nil
	}
	raw, err := json.Marshal(plans) //nolint:musttag // a point and a price are kept by the names of their fields, which ReadPlans reads
	return string(raw), err
}
