package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
)

// ShowMessageSend is the resolver for the showMessageSend field.
func (r *mutationResolver) ShowMessageSend(ctx context.Context, input model.ShowMessageSendInput) (model.ShowMessageSendPayload, error) {
	in, err := showMessageInput(input)
	var sent showchat.Message
	if err == nil {
		sent, err = r.ShowChats.Send(ctx, actorID(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.ShowMessageSendPayload{UserErrors: errs}, err
	}
	return model.ShowMessageSendPayload{Message: &sent}, nil
}

// ShowMessageDelete is the resolver for the showMessageDelete field.
func (r *mutationResolver) ShowMessageDelete(ctx context.Context, input model.ShowMessageDeleteInput) (model.ShowMessageDeletePayload, error) {
	var in inputReader
	message := in.id(input.MessageID, id.ShowMessage, "messageId")
	var deleted showchat.Message
	err := in.err
	if err == nil {
		deleted, err = r.ShowChats.Delete(ctx, actorID(ctx), message, textOf(input.Reason))
	}
	if err != nil {
		errs, err := refused(err)
		return model.ShowMessageDeletePayload{UserErrors: errs}, err
	}
	return model.ShowMessageDeletePayload{Message: &deleted}, nil
}

// ShowMessagePin is the resolver for the showMessagePin field.
func (r *mutationResolver) ShowMessagePin(ctx context.Context, input model.ShowMessagePinInput) (model.ShowMessagePinPayload, error) {
	var in inputReader
	showID, message := in.id(input.ShowID, id.Show, "showId"), in.maybeID(input.MessageID, id.ShowMessage, "messageId")
	var chat showchat.Chat
	err := in.err
	if err == nil {
		chat, err = r.ShowChats.Pin(ctx, actorID(ctx), showID, message, input.Reason)
	}
	if err != nil {
		errs, err := refused(err)
		return model.ShowMessagePinPayload{UserErrors: errs}, err
	}
	return model.ShowMessagePinPayload{Chat: &chat}, nil
}

// ShowMemberModerate is the resolver for the showMemberModerate field.
func (r *mutationResolver) ShowMemberModerate(ctx context.Context, input model.ShowMemberModerateInput) (model.ShowMemberModeratePayload, error) {
	in, err := showMemberInput(input)
	var member showchat.Member
	if err == nil {
		member, err = r.ShowChats.Moderate(ctx, actorID(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.ShowMemberModeratePayload{UserErrors: errs}, err
	}
	return model.ShowMemberModeratePayload{Member: &member}, nil
}

// ShowChatConfigure is the resolver for the showChatConfigure field.
func (r *mutationResolver) ShowChatConfigure(ctx context.Context, input model.ShowChatConfigureInput) (model.ShowChatConfigurePayload, error) {
	in, err := showChatInput(input)
	var chat showchat.Chat
	if err == nil {
		chat, err = r.ShowChats.Configure(ctx, actorID(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.ShowChatConfigurePayload{UserErrors: errs}, err
	}
	return model.ShowChatConfigurePayload{Chat: &chat}, nil
}

// Chat is the resolver for the chat field.
func (r *showResolver) Chat(ctx context.Context, obj *show.Show) (showchat.Chat, error) {
	return load(ctx).showChat.Load(ctx, obj.ID)
}

// Messages is the resolver for the messages field.
func (r *showResolver) Messages(ctx context.Context, obj *show.Show, first *int, after *string) (page.Page[showchat.Message], error) {
	asked, err := showchat.AskMessages(obj.ID, page.Args{First: first, After: after})
	if err != nil {
		return page.Page[showchat.Message]{}, err
	}
	return load(ctx).messagePages.Load(ctx, asked)
}

// PinnedMessage is the resolver for the pinnedMessage field.
func (r *showChatResolver) PinnedMessage(ctx context.Context, obj *showchat.Chat) (*showchat.Message, error) {
	return maybePtr(ctx, load(ctx).showMessage, obj.Pinned)
}

// Moderators is the resolver for the moderators field.
func (r *showChatResolver) Moderators(ctx context.Context, obj *showchat.Chat) ([]identity.User, error) {
	ids, err := r.ShowChats.Moderators(ctx, obj.ShowID)
	if err != nil {
		return nil, err
	}
	return load(ctx).user.LoadAll(ctx, ids)
}

// Viewer is the resolver for the viewer field.
func (r *showChatResolver) Viewer(ctx context.Context, obj *showchat.Chat) (*showchat.Member, error) {
	session, ok := actor(ctx)
	if !ok {
		return nil, nil
	}
	member, err := r.ShowChats.MemberOf(ctx, session.User.ID, obj.ShowID)
	return &member, err
}

// BlockedWords is the resolver for the blockedWords field.
func (r *showChatResolver) BlockedWords(ctx context.Context, obj *showchat.Chat) ([]string, error) {
	if keeps, err := r.keepsOrder(ctx, obj.ShowID); err != nil || !keeps {
		return nil, err
	}
	return append([]string{}, obj.Words...), nil
}

// Moderations is the resolver for the moderations field.
func (r *showChatResolver) Moderations(ctx context.Context, obj *showchat.Chat, first *int, after *string) (*page.Page[showchat.Moderation], error) {
	if keeps, err := r.keepsOrder(ctx, obj.ShowID); err != nil || !keeps {
		return nil, err
	}
	log, err := r.ShowChats.Log(ctx, actorID(ctx), obj.ShowID, page.Args{First: first, After: after})
	return &log, err
}

// Messages is the resolver for the messages field.
func (r *showChatEventResolver) Messages(ctx context.Context, obj *showchat.Change) ([]showchat.Message, error) {
	if obj.Posted == nil {
		return []showchat.Message{}, nil
	}
	return r.ShowChats.Posted(ctx, obj.ShowID, *obj.Posted)
}

// Message is the resolver for the message field.
func (r *showChatEventResolver) Message(ctx context.Context, obj *showchat.Change) (*showchat.Message, error) {
	return maybePtr(ctx, load(ctx).showMessage, obj.Message)
}

// User is the resolver for the user field.
func (r *showMemberResolver) User(ctx context.Context, obj *showchat.Member) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.UserID)
}

// Author is the resolver for the author field.
func (r *showMessageResolver) Author(ctx context.Context, obj *showchat.Message) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.AuthorID)
}

// ReplyTo is the resolver for the replyTo field.
func (r *showMessageResolver) ReplyTo(ctx context.Context, obj *showchat.Message) (*showchat.Message, error) {
	return maybePtr(ctx, load(ctx).showMessage, obj.Reply)
}

// Mentions is the resolver for the mentions field.
func (r *showMessageResolver) Mentions(ctx context.Context, obj *showchat.Message) ([]identity.User, error) {
	return load(ctx).user.LoadAll(ctx, obj.MentionID)
}

// Actor is the resolver for the actor field.
func (r *showModerationResolver) Actor(ctx context.Context, obj *showchat.Moderation) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.ActorID)
}

// User is the resolver for the user field.
func (r *showModerationResolver) User(ctx context.Context, obj *showchat.Moderation) (*identity.User, error) {
	return maybePtr(ctx, load(ctx).user, obj.UserID)
}

// Message is the resolver for the message field.
func (r *showModerationResolver) Message(ctx context.Context, obj *showchat.Moderation) (*showchat.Message, error) {
	return maybePtr(ctx, load(ctx).showMessage, obj.MessageID)
}

// ShowChat returns generated.ShowChatResolver implementation.
func (r *Resolver) ShowChat() generated.ShowChatResolver { return &showChatResolver{r} }

// ShowChatEvent returns generated.ShowChatEventResolver implementation.
func (r *Resolver) ShowChatEvent() generated.ShowChatEventResolver { return &showChatEventResolver{r} }

// ShowMember returns generated.ShowMemberResolver implementation.
func (r *Resolver) ShowMember() generated.ShowMemberResolver { return &showMemberResolver{r} }

// ShowMessage returns generated.ShowMessageResolver implementation.
func (r *Resolver) ShowMessage() generated.ShowMessageResolver { return &showMessageResolver{r} }

// ShowModeration returns generated.ShowModerationResolver implementation.
func (r *Resolver) ShowModeration() generated.ShowModerationResolver {
	return &showModerationResolver{r}
}

type (
	showChatResolver       struct{ *Resolver }
	showChatEventResolver  struct{ *Resolver }
	showMemberResolver     struct{ *Resolver }
	showMessageResolver    struct{ *Resolver }
	showModerationResolver struct{ *Resolver }
)
