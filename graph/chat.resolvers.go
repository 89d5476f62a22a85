package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/chat"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/page"
)

// Listing is the resolver for the listing field.
func (r *conversationResolver) Listing(ctx context.Context, obj *chat.Conversation) (*catalog.Listing, error) {
	return maybe(ctx, load(ctx).listingSeen, obj.ListingID)
}

// Buyer is the resolver for the buyer field.
func (r *conversationResolver) Buyer(ctx context.Context, obj *chat.Conversation) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.BuyerID)
}

// Seller is the resolver for the seller field.
func (r *conversationResolver) Seller(ctx context.Context, obj *chat.Conversation) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.SellerID)
}

// Steps is the resolver for the steps field.
func (r *conversationResolver) Steps(ctx context.Context, obj *chat.Conversation) ([]model.OrderStep, error) {
	return stepsOf(some(ctx, load(ctx).chatSteps, obj.ID))
}

// Offers is the resolver for the offers field.
func (r *conversationResolver) Offers(ctx context.Context, obj *chat.Conversation) ([]offer.Offer, error) {
	return some(ctx, load(ctx).chatOffers, obj.ID)
}

// Messages is the resolver for the messages field.
func (r *conversationResolver) Messages(ctx context.Context, obj *chat.Conversation, first *int, after *string) (page.Page[chat.Message], error) {
	return r.Chat.Messages(ctx, actorID(ctx), obj.ID, page.Args{First: first, After: after})
}

// User is the resolver for the user field.
func (r *conversationTypingResolver) User(ctx context.Context, obj *chat.Typing) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.UserID)
}

// Sender is the resolver for the sender field.
func (r *messageResolver) Sender(ctx context.Context, obj *chat.Message) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.SenderID)
}

// ConversationStart is the resolver for the conversationStart field.
func (r *mutationResolver) ConversationStart(ctx context.Context, input model.ConversationStartInput) (model.ConversationStartPayload, error) {
	var in inputReader
	listing := in.id(input.ListingID, id.Listing, "listingId")
	var (
		conversation chat.Conversation
		message      chat.Message
	)
	err := in.err
	if err == nil {
		conversation, message, err = r.Chat.Start(ctx, actorID(ctx), listing, input.Body)
	}
	if err != nil {
		errs, err := refused(err)
		return model.ConversationStartPayload{UserErrors: errs}, err
	}
	return model.ConversationStartPayload{Conversation: &conversation, Message: &message}, nil
}

// MessageSend is the resolver for the messageSend field.
func (r *mutationResolver) MessageSend(ctx context.Context, input model.MessageSendInput) (model.MessageSendPayload, error) {
	var in inputReader
	conversation := in.id(input.ConversationID, id.Conversation, "conversationId")
	var message chat.Message
	err := in.err
	if err == nil {
		_, message, err = r.Chat.Send(ctx, actorID(ctx), conversation, input.Body)
	}
	if err != nil {
		errs, err := refused(err)
		return model.MessageSendPayload{UserErrors: errs}, err
	}
	return model.MessageSendPayload{Message: &message}, nil
}

// TypingSend is the resolver for the typingSend field.
func (r *mutationResolver) TypingSend(ctx context.Context, input model.TypingSendInput) (model.TypingSendPayload, error) {
	var in inputReader
	conversation := in.id(input.ConversationID, id.Conversation, "conversationId")
	var typing chat.Typing
	err := in.err
	if err == nil {
		typing, err = r.Chat.Typing(ctx, actorID(ctx), conversation)
	}
	if err != nil {
		errs, err := refused(err)
		return model.TypingSendPayload{UserErrors: errs}, err
	}
	return model.TypingSendPayload{Typing: &typing}, nil
}

// Conversation is the resolver for the conversation field.
func (r *queryResolver) Conversation(ctx context.Context, id id.ID) (*chat.Conversation, error) {
	return r.findConversation(ctx, id)
}

// ConversationEvents is the resolver for the conversationEvents field.
func (r *subscriptionResolver) ConversationEvents(ctx context.Context, conversationID id.ID, afterVersion *int, epoch *string) (<-chan model.ConversationEvent, error) {
	c, err := conversationID.As(id.Conversation)
	if err != nil {
		return nil, err
	}
	member := actorID(ctx)
	if _, err := r.Chat.Get(ctx, member, c); err != nil {
		return nil, err
	}
	return streamPrivate(ctx, r.Resolver, from(chat.Topic(c), afterVersion, epoch, r.Chat.Snapshot(member, c)), r.conversationEvent)
}

// ConversationTyping is the resolver for the conversationTyping field.
func (r *subscriptionResolver) ConversationTyping(ctx context.Context, conversationID id.ID) (<-chan chat.Typing, error) {
	c, err := conversationID.As(id.Conversation)
	if err != nil {
		return nil, err
	}
	member := actorID(ctx)
	if _, err := r.Chat.Get(ctx, member, c); err != nil {
		return nil, err
	}
	return relay(ctx, r.Resolver, chat.Topic(c), chat.TypingOfOthers(member))
}

// Conversations is the resolver for the conversations field.
func (r *viewerResolver) Conversations(ctx context.Context, obj *identity.Session, first *int, after *string) (page.Page[chat.Conversation], error) {
	return r.Chat.List(ctx, obj.User.ID, page.Args{First: first, After: after})
}

// Conversation returns generated.ConversationResolver implementation.
func (r *Resolver) Conversation() generated.ConversationResolver { return &conversationResolver{r} }

// ConversationTyping returns generated.ConversationTypingResolver implementation.
func (r *Resolver) ConversationTyping() generated.ConversationTypingResolver {
	return &conversationTypingResolver{r}
}

// Message returns generated.MessageResolver implementation.
func (r *Resolver) Message() generated.MessageResolver { return &messageResolver{r} }

type (
	conversationResolver       struct{ *Resolver }
	conversationTypingResolver struct{ *Resolver }
	messageResolver            struct{ *Resolver }
)
