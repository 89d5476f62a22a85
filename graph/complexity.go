package graph

import (
	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/risk"
	"github.com/souklive/souk/internal/search"
	"github.com/souklive/souk/internal/show"
)

// entryLegs is how many postings an entry is taken to have: few have more than five, an entry of holds up to a thousand.
const entryLegs = 20

// showMessages is how many messages are taken to be posted together.
const showMessages = 20

// treeRows is how many categories are taken to stand below one, and attributes to describe it.
const treeRows = 10

// cartGroups and cartLines are how many sellers a cart is taken to have things of, and how many of each: 50 lines together.
const (
	cartGroups = 5
	cartLines  = 10
)

// showLots is how many lots a show is taken to have when its cost is reckoned.
const showLots = 20

// orderHappenings is how much is taken to have happened to an order.
const orderHappenings = 30

// orderLines is how many lines an order is taken to have.
const orderLines = 5

// offerSteps is how many steps an offer is taken to have.
const offerSteps = 12

// chatOffers is how many offers a conversation shows.
const chatOffers = 10

// orderCodes is how many codes an order is taken to have; few have more than one.
const orderCodes = 10

// complexityRoot says what fields cost. A field is 1 and what is below it; a list counts its rows by the page
// that was asked for.
func complexityRoot() generated.ComplexityRoot {
	var c generated.ComplexityRoot
	ofCart := func(child int) int { return 1 + child*cartLines }
	list := func(child int, first *int, _ *string) int { return 1 + child*rows(first) }
	c.Viewer.Following, c.Variant.PriceHistory, c.StockLevel.Movements = list, list, list
	c.FlashSale.Tickets = list
	c.Query.Listings = func(child int, _ *id.ID, _ *catalog.Kind, _ *catalog.Status, _ *model.ListingFilter, first *int, after *string) int {
		return list(child, first, after)
	}
	c.Query.Brands = func(child int, _ string, first *int) int { return list(child, first, nil) }
	c.Query.Categories = func(child int) int { return 1 + child*treeRows }
	c.Category.Children, c.Category.Attributes = c.Query.Categories, c.Query.Categories
	c.Query.Search = func(child int, _ *string, _ *model.SearchFilter, _ *search.Sort, first *int, after *string) int {
		return list(child, first, after)
	}
	c.Query.SearchSuggestions = func(child int, _ string, first int) int { return list(child, &first, nil) }
	shop := func(child int, _ *catalog.Status, first *int, after *string) int { return list(child, first, after) }
	c.User.Listings, c.Viewer.Listings = shop, shop
	c.Query.Shows = func(child int, _ *show.Status, _ *id.ID, _ *bool, _ *show.Language, _ *string, _ show.Order, first *int, after *string) int {
		return list(child, first, after)
	}
	c.Query.CodeReveals = func(child int, _ id.ID, first *int, after *string) int { return list(child, first, after) }
	c.Order.Codes = func(child int) int { return 1 + child*orderCodes }
	c.Query.Auctions = func(child int, _ *auction.Status, first *int, after *string) int { return list(child, first, after) }
	c.Query.Chargebacks = func(child int, _ *payment.ChargebackStatus, first *int, after *string) int {
		return list(child, first, after)
	}
	c.Auction.Bids, c.Conversation.Messages = list, list
	c.Viewer.Notifications = func(child int, _ bool, first *int, after *string) int { return list(child, first, after) }
	c.Query.Promotions, c.Viewer.Promotions = list, list
	c.Viewer.ListingImports, c.ListingImport.Errors = list, list
	c.Viewer.Conversations, c.Viewer.Purchases, c.Viewer.Sales = list, list, list
	c.Wallet.Statement, c.Query.AdminActions, c.LedgerAccount.Postings = list, list, list
	c.ReconciliationReport.Differences = list
	c.Query.LedgerAccounts = func(child int, _ *id.ID, _ *ledger.Kind, _ *money.Currency, first *int, after *string) int {
		return list(child, first, after)
	}
	c.LedgerEntry.Postings = func(child int) int { return 1 + child*entryLegs }
	c.ReferralProgram.Referred, c.Viewer.SecondChances = list, list
	c.Show.Messages, c.ShowChat.Moderations = list, list
	c.Show.Queue, c.Show.AllLots, c.Show.Sales = list, list, list
	c.ShowChatEvent.Messages = func(child int) int { return 1 + child*showMessages }
	c.Viewer.Wishes, c.Viewer.AvailabilityNotices = list, list
	c.Viewer.Wants, c.Want.Offers, c.Viewer.SavedSearches = list, list, list
	c.Query.SearchSynonyms = list
	c.Viewer.OffersMade = c.Viewer.Notifications
	c.Viewer.OffersReceived = c.Viewer.Notifications
	c.Conversation.Offers = func(child int) int { return 1 + child*chatOffers }
	c.Offer.Steps = func(child int) int { return 1 + child*offerSteps }
	c.Query.Wants = func(child int, _ *id.ID, first *int, after *string) int { return list(child, first, after) }
	c.Listing.Reviews, c.User.Reviews, c.Query.ReviewReports, c.Query.OrderProblemCases = list, list, list, list
	c.Query.RiskReviews = func(child int, _ risk.ReviewStatus, first *int, after *string) int { return list(child, first, after) }
	c.Cart.Groups = func(child int) int { return 1 + child*cartGroups }
	c.CartGroup.Lines, c.Cart.Saved = ofCart, ofCart
	c.CheckoutQuote.Groups, c.QuoteGroup.Lines = c.Cart.Groups, ofCart
	c.Query.OrderHappenings = func(child int, _ id.ID) int { return 1 + child*orderHappenings }
	c.Order.Lines = func(child int) int { return 1 + child*orderLines }
	c.Order.ListingsToReview = c.Order.Lines
	c.Show.Lots = func(child int) int { return 1 + child*showLots }
	return c
}

// rows is the size of a page; a wrong one costs as the largest, and is refused later with its own words.
func rows(first *int) int {
	size, err := page.Args{First: first}.Size()
	if err != nil {
		return page.MaxFirst
	}
	return size
}
