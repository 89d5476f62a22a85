// Package graph is the GraphQL API: the schema's fields, tied to the use cases of the domains.
//
// A resolver is the actor, one call, and the payload. Authority is stated in the schema (@public, @auth) and
// held by directives.go; ownership is held by the domains' SQL.
package graph

import (
	"log/slog"
	"time"

	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/promotion"
	"github.com/souklive/souk/internal/tax"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/books"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/chat"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/explain"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/flash"
	"github.com/souklive/souk/internal/follow"
	"github.com/souklive/souk/internal/handover"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/invoice"
	"github.com/souklive/souk/internal/listingfile"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/presence"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/reconcile"
	"github.com/souklive/souk/internal/referral"
	"github.com/souklive/souk/internal/review"
	"github.com/souklive/souk/internal/risk"
	"github.com/souklive/souk/internal/savedsearch"
	"github.com/souklive/souk/internal/search"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
	"github.com/souklive/souk/internal/taxonomy"
	"github.com/souklive/souk/internal/video"
	"github.com/souklive/souk/internal/want"
	"github.com/souklive/souk/internal/wish"
)

// Resolver holds the domains that the API opens.
type Resolver struct {
	Identity   *identity.Service
	Catalog    *catalog.Service
	Media      *media.Service
	Taxonomy   *taxonomy.Service
	Search     *search.Service
	Shows      *show.Service
	Video      *video.Service
	Follows    *follow.Service
	Inventory  *inventory.Service
	Codes      *code.Service
	Addresses  *address.Service
	Carts      *cart.Service
	Flash      *flash.Service
	Checkout   *checkout.Service
	Risk       *risk.Service
	Promotions *promotion.Service
	Taxes      *tax.Service
	Explain    *explain.Service
	Shipping   *shipping.Service
	Invoices   *invoice.Service
	HandOver   *handover.Service
	Wishes     *wish.Service
	Reviews    *review.Service
	Wants      *want.Service
	Offers     *offer.Service
	Saved      *savedsearch.Service
	ShowChats  *showchat.Service
	Presence   *presence.Presence
	Payment    *payment.Service
	Referrals  *referral.Service
	Books      *books.Service
	AdminLog   *adminlog.Service
	Reconcile  *reconcile.Service
	Orders     *order.Service
	Auctions   *auction.Service
	Chat       *chat.Service
	Feed       *feed.Service
	Notices    *notify.Service
	Files      *listingfile.Service
	Answers    *idempotency.Store
	Hub        *realtime.Hub
	Clock      clock.Clock
	Log        *slog.Logger

	// Gather is how long a loader waits for more ids after the first; 2 ms.
	Gather time.Duration
}
