package shipping

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
)

// quotePatience is how long who asks for a quote waits for carriers: all are asked at once.
const quotePatience = 4 * time.Second

// Option is one way in which a parcel may be brought.
type Option struct {
	Code      string       `json:"code"` // by which it is chosen
	Kind      OfferKind    `json:"kind"`
	Name      string       `json:"name"`
	Carrier   string       `json:"carrier,omitempty"`
	Product   string       `json:"product,omitempty"`
	ToPoint   bool         `json:"toPoint,omitempty"` // its buyer fetches it at a point of the carrier's
	Free      bool         `json:"free,omitempty"`    // its seller bears the cost
	Cost      money.Amount `json:"cost"`
	Estimated bool         `json:"estimated,omitempty"` // by the table, as the carrier did not say it
	Days      [2]int       `json:"days"`                // how long it usually takes, at least and at most; zero where nobody says
	Place     string       `json:"place,omitempty"`     // where it is handed over
	Losses    []Loss       `json:"losses,omitempty"`    // what of the address the carrier does not print
}

// Price is what the buyer pays for it.
func (o Option) Price() money.Amount {
	if o.Free {
		return money.New(0, o.Cost.Currency)
	}
	return o.Cost
}

// MinDays and MaxDays are how long it usually takes; nil where nobody says.
func (o Option) MinDays() *int { return days(o.Days[0]) }

// MaxDays is the longest that it usually takes.
func (o Option) MaxDays() *int { return days(o.Days[1]) }

func days(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

// Plan is a parcel as it was planned with a quote.
type Plan struct {
	Location *uuid.UUID `json:"location,omitempty"` // where it is sent from; nil where its goods are at none
	Grams    int        `json:"grams"`
	Options  []Option   `json:"options"`
	Code     string     `json:"chosen"`
	Point    *Point     `json:"point,omitempty"` // where its buyer fetches it, as it was then
}

// Choice is the option that was chosen.
func (p Plan) Choice() Option {
	i := slices.IndexFunc(p.Options, func(o Option) bool { return o.Code == p.Code })
	return p.Options[i]
}

// Choice is what a buyer chose for the parcels of a seller, or for one of them.
type Choice struct {
	Location *uuid.UUID // nil for all of them
	Option   string     // its code
	Point    *string
}

// PlanAsk is what a seller is to send to somebody.
type PlanAsk struct {
	Sender

	To       *address.Postal // nil where nothing is to be sent
	Currency money.Currency
	Parcels  []Plan         // with their places and weights
	Values   []money.Amount // of what is in each
	Choices  []Choice
}

// Plan says how parcels may be brought, and takes what was chosen: of each the choice, else the cheapest that comes to the address. It asks carriers, and so is not
// for use inside of a transaction. A choice that can't be had is refused for what is in its way, at the index of Choices.
func (s *Service) Plan(ctx context.Context, ask PlanAsk) ([]Plan, error) {
	ctx, cancel := context.WithTimeout(ctx, quotePatience)
	defer cancel()
	plans := slices.Clone(ask.Parcels)
	tariffs := s.rates(ctx, ask)
	for i := range plans {
		refused := map[string]error{}
		for n, offer := range ask.Offers {
			option, err := s.option(offer, n, ask, i, tariffs)
			if err != nil {
				refused[offer.code(n)] = err
				continue
			}
			plans[i].Options = append(plans[i].Options, option)
		}
		if err := s.choose(ctx, &plans[i], ask, refused); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

// option is what an offer is for one of the parcels.
func (s *Service) option(o Offer, number int, ask PlanAsk, parcel int, known rates) (Option, error) {
	out := Option{Code: o.code(number), Kind: o.Kind, Name: o.Name, Cost: money.New(0, ask.Currency), Place: o.Place}
	switch o.Kind {
	case InPerson:
		if len(ask.Parcels) > 1 {
			return out, ErrSeveralPlaces
		}
	case BySeller:
		switch {
		case ask.To == nil:
			return out, ErrAddressRequired
		case len(o.Countries) > 0 && !slices.Contains(o.Countries, ask.To.Country):
			return out, ErrCountry
		case o.Price.Currency != ask.Currency:
			return out, ErrOptionCurrency
		}
		out.Cost = *o.Price
	case ByCarrier:
		if ask.To == nil {
			return out, ErrAddressRequired
		}
		return s.carried(o, out, ask, parcel, known)
	}
	return out, nil
}

// carried is what a carrier's product is for one of the parcels: what it takes and, where it can't be asked, what the table says that it takes.
func (s *Service) carried(o Offer, out Option, ask PlanAsk, parcel int, known rates) (Option, error) {
	c, err := s.carrier(o.Carrier)
	if err != nil || ask.From == nil { // there is nothing that who buys could do about it
		return out, ErrOption.Because(cmp.Or(err, error(ErrSenderNeeded)))
	}
	p, ok := ProductOf(c, o.Product)
	if !ok {
		return out, ErrOption.Because(ErrProduct)
	}
	out.Name, out.Carrier, out.Product, out.ToPoint, out.Free, out.Days = p.Name, o.Carrier, o.Product, p.PickupPoint, o.Free, p.Days
	r := Request{Product: o.Product, From: *ask.From, To: *ask.To, Language: ask.To.Country, Parcel: Parcel{Grams: ask.Parcels[parcel].Grams, Value: ask.Values[parcel]}}
	if p.PickupPoint {
		r.Point = anyPoint
	}
	if out.Losses, err = c.Check(r); err != nil {
		if f, ok := fault.As(err); ok && slices.Equal(f.Field, []string{"fromAddressId"}) { // who sends it has to change something
			err = ErrOption.Because(err)
		}
		return out, err
	}
	rate, err := known.of(parcel, c, p)
	if _, rates := c.(Rater); !rates || errors.Is(err, ErrCarrierDown) {
		cost, ok := Cost(o.Carrier, o.Product, ask.To.Country, r.Parcel.Grams)
		if !ok {
			return out, err
		}
		rate, out.Estimated, err = Rate{Price: cost}, rates, nil
	}
	if err != nil {
		return out, err
	}
	if rate.Price.Currency != ask.Currency {
		return out, ErrOptionCurrency
	}
	out.Cost = rate.Price
	if rate.Days[1] > 0 {
		out.Days = rate.Days
	}
	return out, nil
}

// anyPoint stands for the point that is still to be chosen.
const anyPoint = "000000"

// choose takes of a parcel's options what its buyer wants.
func (s *Service) choose(ctx context.Context, p *Plan, ask PlanAsk, refused map[string]error) error {
	for i, c := range ask.Choices {
		if c.Location != nil && (p.Location == nil || *c.Location != *p.Location) {
			continue
		}
		at := slices.IndexFunc(p.Options, func(o Option) bool { return o.Code == c.Option })
		if at < 0 {
			why := refused[c.Option]
			if why == nil {
				why = ErrOption
			}
			return &ChoiceError{Choice: i, Field: "optionCode", Err: why}
		}
		p.Code = c.Option
		switch {
		case c.Point != nil && !p.Options[at].ToPoint:
			return &ChoiceError{Choice: i, Field: "pickupPointId", Err: ErrNoPoints}
		case c.Point != nil:
			point, err := s.OpenPoint(ctx, p.Options[at].Carrier, ask.To.Country, *c.Point)
			if errors.Is(err, ErrPointPlace) { // there is none of this number
				err = ErrPointClosed.Because(err)
			}
			if err != nil {
				return &ChoiceError{Choice: i, Field: "pickupPointId", Err: err}
			}
			p.Point = &point
		}
		return nil
	}
	if best := cheapest(p.Options); best != nil {
		p.Code = best.Code
		return nil
	}
	return &ChoiceError{Choice: -1, Field: "addressId", Err: nothing(ask.Offers, refused)}
}

// cheapest is what is taken where nobody chose: what comes to the address, else what comes to a point. Nobody fetches something who has not said so.
func cheapest(options []Option) *Option {
	var best *Option
	for i, o := range options {
		if o.Kind == InPerson {
			continue
		}
		if best == nil || best.ToPoint && !o.ToPoint || best.ToPoint == o.ToPoint && o.Price().Minor < best.Price().Minor {
			best = &options[i]
		}
	}
	return best
}

// nothing is why nothing of what a seller offers can be had: what the first of it that is sent is refused for.
func nothing(offers []Offer, refused map[string]error) error {
	for n, o := range offers {
		if o.Kind != InPerson {
			return refused[o.code(n)]
		}
	}
	return ErrInPersonOnly
}

// ChoiceError is why a parcel can't be brought as it was chosen, or, where Choice is negative, at all.
type ChoiceError struct {
	Choice int    // the index of what was chosen
	Field  string // of it
	Err    error
}

func (e *ChoiceError) Error() string { return e.Err.Error() }

// Unwrap gives the refusal.
func (e *ChoiceError) Unwrap() error { return e.Err }

// rates are what carriers said that parcels cost: by the parcel, then by the carrier.
type rates []map[string]said

type said struct {
	rates []Rate
	err   error
}

// rates asks the carriers of a seller's who say themselves what parcels cost, all at once.
func (s *Service) rates(ctx context.Context, ask PlanAsk) rates {
	all := make(rates, len(ask.Parcels))
	if ask.To == nil || ask.From == nil {
		return all
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	for _, c := range s.carriers {
		rater, ok := c.(Rater)
		if !ok || !slices.ContainsFunc(ask.Offers, func(o Offer) bool { return o.Kind == ByCarrier && o.Carrier == c.Name() }) {
			continue
		}
		for i, p := range ask.Parcels {
			r := RateRequest{From: *ask.From, To: *ask.To, Parcel: Parcel{Grams: p.Grams, Value: ask.Values[i]}}
			wait.Go(func() {
				found, err := rater.Rates(ctx, r)
				s.metrics.called(c.Name(), "rates", err)
				mu.Lock()
				defer mu.Unlock()
				if all[i] == nil {
					all[i] = map[string]said{}
				}
				all[i][c.Name()] = said{found, err}
			})
		}
	}
	wait.Wait()
	return all
}

// of is what a carrier said of a product; where it did not, why.
func (r rates) of(parcel int, c Carrier, p Product) (Rate, error) {
	said, asked := r[parcel][c.Name()]
	if !asked {
		return Rate{}, ErrNoRate
	}
	if said.err != nil {
		if OutcomeOf(said.err) == Refused {
			return Rate{}, ErrNoRate.Because(said.err)
		}
		return Rate{}, ErrCarrierDown.Because(said.err)
	}
	for _, rate := range said.rates {
		if rate.Product == p.Code && rate.Price.Minor > 0 {
			rate.Days[1] = cmp.Or(rate.Days[1], rate.Days[0])
			return rate, nil
		}
	}
	return Rate{}, ErrNoRate
}

// PlansOf reads, for a loader, how the parcels of orders were planned.
func (s *Service) PlansOf(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID][]Plan, error) {
	rows, err := s.q.ShippingParcelsOfOrders(ctx, s.pool, orders)
	if err != nil {
		return nil, err
	}
	all := make(map[uuid.UUID][]Plan, len(rows))
	for _, row := range rows {
		if all[row.OrderID], err = ReadPlans(row.Parcels); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ReadPlans reads parcels as they were planned; none where there is nothing.
func ReadPlans(raw json.RawMessage) (plans []Plan, err error) {
	if len(raw) == 0 {
		return nil, nil
	}
	err = json.Unmarshal(raw, &plans) //nolint:musttag // as they are written: by the names of fields
	return plans, err
}
