package e2e

import (
	"encoding/json"
	"fmt"

	"github.com/souklive/souk/internal/apitest"
)

const watch = `subscription Watch($auction: ID!, $afterVersion: Int, $epoch: String) {
	auctionEvents(auctionId: $auction, afterVersion: $afterVersion, epoch: $epoch) {
		version epoch kind bids { id number amount { minor } } auction { status } } }`

// diary is what one viewer has seen of a lot, over however many connections.
type diary struct {
	auction string
	epoch   string
	version int // the last one seen; 0: none yet
	bids    []bid
	status  string
}

// opens begins to watch a lot and returns when the viewer has seen it as it is: from here on nothing may be missed.
func (s *server) opens(auction string) (*diary, *apitest.Stream) {
	s.t.Helper()
	d := &diary{auction: auction}
	stream := s.client().Subscribe(s.t, watch, d.resume())
	if err := d.read(stream, d.reached(1)); err != nil {
		s.t.Fatalf("watch a lot: %v", err)
	}
	return d, stream
}

// resume are the variables with which to go on after what was seen.
func (d *diary) resume() apitest.Vars {
	vars := apitest.Vars{"auction": d.auction}
	if d.version > 0 {
		vars["afterVersion"], vars["epoch"] = d.version, d.epoch
	}
	return vars
}

// note writes an event down. It is an error if a version is missing or comes twice, or if a snapshot comes where
// there was something to go on from.
func (d *diary) note(raw json.RawMessage) error {
	var data struct {
		AuctionEvents struct {
			Version     int
			Epoch, Kind string
			Bids        []bidData
			Auction     struct{ Status string }
		}
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		return err
	}
	e := data.AuctionEvents
	switch {
	case d.version == 0 && e.Kind != "SNAPSHOT":
		return fmt.Errorf("the first event is %s", raw)
	case d.version == 0:
		d.epoch = e.Epoch
	case e.Version != d.version+1 || e.Kind == "SNAPSHOT" || e.Epoch != d.epoch:
		return fmt.Errorf("after version %d came %s", d.version, raw)
	}
	d.version, d.status = e.Version, e.Auction.Status
	for _, b := range e.Bids {
		d.bids = append(d.bids, b.bid())
	}
	return nil
}

// stream is either kind of subscription.
type stream interface {
	Receive() (json.RawMessage, error)
}

// read notes events until enough says so.
func (d *diary) read(s stream, enough func() bool) error {
	for !enough() {
		raw, err := s.Receive()
		if err != nil {
			return err
		}
		if err := d.note(raw); err != nil {
			return err
		}
	}
	return nil
}

// closed says that the lot's end was seen.
func (d *diary) closed() bool { return d.status == "SOLD" || d.status == "UNSOLD" }

// reached gives a condition for read: a version was seen.
func (d *diary) reached(version int) func() bool {
	return func() bool { return d.version >= version }
}
