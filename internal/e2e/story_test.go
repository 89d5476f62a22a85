package e2e

import (
	"encoding/json"
	"image"
	"net/http"
	"testing"

	"github.com/souklive/souk/internal/apitest"
)

// teller plays the story's steps and tells them.
type teller struct {
	*apitest.Story
	t *testing.T
}

// do plays a step of the IDE's tour and tells the whole answer, whether it succeeded or not.
func (s teller) do(p person, title string, vars apitest.Vars) apitest.JSON {
	s.t.Helper()
	answer, err := p.Do(tour(s.t, title), vars)
	if err != nil {
		s.t.Fatalf("%s: %v", title, err)
	}
	told := answer.Data
	if len(answer.Errors) > 0 {
		if told, err = json.Marshal(map[string]any{"errors": answer.Errors, "status": answer.Status}); err != nil {
			s.t.Fatal(err)
		}
	}
	s.Tell(p.name, title, vars, told)
	return apitest.Look(s.t, answer.Data)
}

// input is do with the one variable that most operations have.
func (s teller) input(p person, title string, input apitest.Vars) apitest.JSON {
	s.t.Helper()
	return s.do(p, title, apitest.Vars{"input": input})
}

// sees tells the next event of a subscription.
func (s teller) sees(who string, stream *apitest.Stream) apitest.JSON {
	s.t.Helper()
	event := stream.Next()
	s.Tell(who, "sees", nil, event.Raw())
	return event
}

// The story that the product is for, as docs/first-auction.md has it, step by step through the operations of the
// IDE's tour. The golden files are worth reading: they are what a client gets.
func TestStory(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	srv := site.start()
	s := teller{apitest.NewStory(t, "testdata/story", srv.url, *update), t}
	nobody := person{srv.client(), "nobody"}

	s.Chapter("1-people")
	s.do(nobody, "What is for sale", nil)
	hana, bilal, chloe := s.joins(nobody, "Hana", "SELLER"), s.joins(nobody, "Bilal", "BUYER"), s.joins(nobody, "Chloé", "BUYER")
	s.input(nobody, "Sign up", signUpInput("Hana", "BUYER"))
	s.input(nobody, "Sign in", apitest.Vars{"email": "bilal@example.test", "password": "open, Sesame!"})
	in := s.input(nobody, "Sign in", apitest.Vars{"email": "BILAL@example.test", "password": password})
	bilalElsewhere := person{srv.client().As(in.Str("signIn.session.token")), "Bilal, signed in twice"}

	listing := s.goods(hana, bilal)
	s.money(bilal, chloe)
	auction := s.auction(nobody, hana, bilal, chloe, listing)
	s.order(hana, bilal, chloe, auction)
	s.conversation(hana, bilal, chloe, listing)

	s.Chapter("7-goodbye")
	s.do(bilal, "Sign out", nil)
	s.do(bilal, "Look at the wallet", nil)
	if _, err := bilal.TrySubscribe(t, watch, apitest.Vars{"auction": auction}); err == nil {
		t.Error("a socket was opened with a token that is signed out")
	}
	s.do(bilalElsewhere, "Look at the wallet", nil)
	s.End()
	site.checkLedger()
	site.checkOrders()
	srv.stop()
}

func (s teller) joins(nobody person, name, role string) person {
	s.t.Helper()
	token := s.input(nobody, "Sign up", signUpInput(name, role)).Str("signUp.session.token")
	return person{nobody.As(token), name}
}

// goods has Hana list a pot with its picture, and Bilal try what only sellers may.
func (s teller) goods(hana, bilal person) (listing string) {
	s.t.Helper()
	s.Chapter("2-goods")
	body := picture(s.t)
	vars := apitest.Vars{"input": apitest.Vars{"contentType": "image/jpeg", "bytes": len(body)}}
	announced := hana.Must(s.t, tour(s.t, "Announce a photo"), vars)
	// Not with how many bytes: the encoder's output may change with Go.
	s.Tell(hana.name, "Announce a photo", nil, announced.Raw())
	var upload uploadData
	if err := json.Unmarshal(announced.At("photoUploadCreate.upload").Raw(), &upload); err != nil {
		s.t.Fatal(err)
	}
	if err := upload.send(s.t.Context(), body); err != nil {
		s.t.Fatal(err)
	}
	item := apitest.Vars{
		"title": "Brass coffee pot from Fès", "description": "Hand-hammered, about 1960.", "condition": "GOOD",
		"photoIds": []string{announced.Str("photoUploadCreate.upload.photoId")},
	}
	s.input(bilal, "List an item", item)
	listed := s.input(hana, "List an item", item)
	s.checkPicture(listed.Str("listingCreate.listing.photos.0.url"))
	s.do(bilal, "What is for sale", nil)
	return listed.Str("listingCreate.listing.id")
}

// checkPicture waits until a job has made the picture's sizes.
func (s teller) checkPicture(url string) {
	s.t.Helper()
	eventually(s.t, "the picture is served", func() bool {
		req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			s.t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		_, format, err := image.DecodeConfig(resp.Body)
		return resp.StatusCode == http.StatusOK && err == nil && format == "jpeg" && resp.Header.Get("Content-Type") == "image/jpeg"
	})
}

// money fills both wallets, and has one card refused.
func (s teller) money(bilal, chloe person) {
	s.t.Helper()
	s.Chapter("3-money")
	const first, second = "Pay into the wallet (buyer)", "Pay into the wallet (second buyer)"
	payment := apitest.Vars{"amount": eur(20000), "paymentMethod": "pm_card_visa", "idempotencyKey": "bilal-1"}
	s.input(bilal, first, payment)
	s.input(bilal, first, payment) // a retry: the same top-up
	s.input(bilal, first, apitest.Vars{
		"amount": eur(5000), "paymentMethod": "pm_card_chargeDeclinedInsufficientFunds", "idempotencyKey": "bilal-2",
	})
	s.input(chloe, second, apitest.Vars{"amount": eur(20000), "paymentMethod": "pm_card_mastercard", "idempotencyKey": "chloe-1"})
	s.do(bilal, "Look at the wallet", nil)
	s.do(chloe, "Look at the wallet", nil)
}

// auction sells the pot to Chloé. Its extension is as long as the lot itself, so that every bid comes late and
// moves the end, whatever the time: the story takes as long as it takes, and ends that long after the last bid.
func (s teller) auction(nobody, hana, bilal, chloe person, listing string) (auction string) {
	s.t.Helper()
	s.Chapter("4-auction")
	start := apitest.Vars{"listingId": listing, "startPrice": eur(2000), "durationSeconds": 6, "extensionSeconds": 6}
	auction = s.input(hana, "Start the auction", start).Str("auctionStart.auction.id")
	both := viewers{s, bilal.Subscribe(s.t, tour(s.t, "Watch it live"), apitest.Vars{"auction": auction}),
		chloe.Subscribe(s.t, tour(s.t, "Watch it live"), apitest.Vars{"auction": auction})}
	defer both.leave()
	both.see(1)
	offer := func(cents int, key string) apitest.Vars {
		return apitest.Vars{"auctionId": auction, "amount": eur(cents), "idempotencyKey": key}
	}
	s.input(bilal, "Bid", offer(2000, "bilal-bid-1"))
	s.do(bilal, "Look at the wallet", nil)
	opening := both.see(2)
	s.input(chloe, "Outbid", offer(2500, "chloe-bid-1"))
	if before, after := opening.Str("auction.endsAt"), both.see(3).Str("auction.endsAt"); after <= before {
		s.t.Errorf("the late bid moved the end from %s to %s", before, after)
	}
	s.do(bilal, "Look at the wallet", nil)
	s.do(chloe, "Look at the wallet", nil)
	s.input(chloe, "Outbid", offer(2500, "chloe-bid-1")) // a retry: the same bid
	s.input(chloe, "Outbid", offer(2500, "chloe-bid-2"))
	s.input(bilal, "Bid", offer(2100, "bilal-bid-2"))
	s.input(bilal, "Bid", offer(50000, "bilal-bid-3"))
	s.input(hana, "Bid", offer(9000, "hana-bid-1"))
	s.input(nobody, "Bid", offer(9000, "nobody-bid-1"))
	if sold := both.see(4); sold.Str("auction.status") != "SOLD" {
		s.t.Fatalf("the lot's last event: %s", sold.Raw())
	}
	s.input(bilal, "Bid", offer(9000, "bilal-bid-4"))
	return auction
}

// viewers are Bilal and Chloé, who watch the same lot.
type viewers struct {
	teller
	bilal, chloe *apitest.Stream
}

// see tells the next event, which has to be the same for both.
func (v viewers) see(version int) apitest.JSON {
	v.t.Helper()
	his := v.sees("Bilal", v.bilal).At("auctionEvents")
	hers := v.chloe.Next().At("auctionEvents")
	for _, field := range []string{"version", "epoch", "kind", "at", "bids", "auction"} {
		if a, b := his.Str(field), hers.Str(field); a != b {
			v.t.Errorf("Bilal sees %s %s, Chloé %s", field, a, b)
		}
	}
	if got := his.Int("version"); got != version {
		v.t.Errorf("version %d came in place of %d", got, version)
	}
	return his
}

// leave cuts both connections, for which a server that stops would else wait.
func (v viewers) leave() {
	v.bilal.Cut()
	v.chloe.Cut()
}

// order has Hana ship the pot and Chloé confirm that it came; both follow that live.
func (s teller) order(hana, bilal, chloe person, auction string) {
	s.t.Helper()
	s.Chapter("5-order")
	s.do(bilal, "Who won", apitest.Vars{"id": auction})
	order := s.do(chloe, "Who won", apitest.Vars{"id": auction}).Str("auction.order.id")
	s.do(chloe, "Look at the wallet", nil)
	follow := tour(s.t, "Follow the order live")
	hers := chloe.Subscribe(s.t, follow, apitest.Vars{"order": order, "afterVersion": 0})
	sellers := hana.Subscribe(s.t, follow, apitest.Vars{"order": order})
	defer hers.Cut()
	defer sellers.Cut()
	s.sees("Chloé", hers) // CREATED
	s.sees("Chloé", hers) // PAID
	s.sees("Hana", sellers)
	s.refused(bilal, follow, apitest.Vars{"order": order})
	s.input(bilal, "Confirm receipt", apitest.Vars{"orderId": order, "idempotencyKey": "bilal-receipt-1"})
	s.input(hana, "Ship it", apitest.Vars{"orderId": order, "tracking": "SOUK-0001", "idempotencyKey": "hana-ship-1"})
	s.sees("Chloé", hers)
	s.sees("Hana", sellers)
	s.input(chloe, "Confirm receipt", apitest.Vars{"orderId": order, "idempotencyKey": "chloe-receipt-1"})
	s.sees("Chloé", hers)
	s.sees("Hana", sellers)
	s.do(hana, "What the seller has earned", nil)
}

// refused tells how a subscription to something of somebody else's ends.
func (s teller) refused(p person, query string, vars apitest.Vars) {
	s.t.Helper()
	stream := p.Subscribe(s.t, query, vars)
	defer stream.Cut()
	event, err := stream.Receive()
	if err == nil {
		s.t.Fatalf("%s may follow what is not theirs: %s", p.name, event)
	}
	told, err := json.Marshal(map[string]string{"refusal": err.Error()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Tell(p.name, "wants to follow", vars, told)
}

// conversation has Bilal and Hana write to each other, each reading live what the other writes.
func (s teller) conversation(hana, bilal, chloe person, listing string) {
	s.t.Helper()
	s.Chapter("6-conversation")
	first := apitest.Vars{"listingId": listing, "body": "Salam! Is the lid original?"}
	conversation := s.input(bilal, "Write to the seller", first).Str("conversationStart.conversation.id")
	listen := tour(s.t, "Listen to the conversation")
	sellers := hana.Subscribe(s.t, listen, apitest.Vars{"conversation": conversation, "afterVersion": 0})
	his := bilal.Subscribe(s.t, listen, apitest.Vars{"conversation": conversation, "afterVersion": 1})
	defer sellers.Cut()
	defer his.Cut()
	s.sees("Hana", sellers)
	s.input(hana, "Answer", apitest.Vars{"conversationId": conversation, "body": "It is. I can send you a photo of the stamp."})
	s.sees("Bilal", his)
	s.sees("Hana", sellers)
	s.input(bilal, "Answer", apitest.Vars{"conversationId": conversation, "body": "Please do."})
	s.sees("Hana", sellers)
	s.sees("Bilal", his)
	s.refused(chloe, listen, apitest.Vars{"conversation": conversation, "afterVersion": 0})
	s.input(chloe, "Answer", apitest.Vars{"conversationId": conversation, "body": "Me too!"})
	s.do(bilal, "All conversations", nil)
}
