package fedex

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/souklive/souk/internal/shipping"
)

const (
	tokenOp = "token"
	// early is how long before its end a token is not used any more.
	early = time.Minute
)

// tokens keeps the token that calls are made with. The carrier shuts out for ten minutes an address that asks for them more than a few times in a row: one is
// asked for by one call at a time, and kept until shortly before its end.
type tokens struct {
	id, secret, url string

	line *shipping.Line
	now  func() time.Time

	turn  chan struct{} // whose turn it is to look, and to ask
	value string
	until time.Time
}

// get gives a token; not the one that was refused.
func (t *tokens) get(ctx context.Context, refused string) (string, error) {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return "", &shipping.CarrierError{Carrier: Name, Op: tokenOp, Outcome: shipping.Unavailable, Err: ctx.Err()}
	}
	defer func() { <-t.turn }()
	if t.value != "" && t.value != refused && t.now().Before(t.until) {
		return t.value, nil
	}
	value, lasts, err := t.ask(ctx)
	if err != nil {
		return "", err
	}
	t.value, t.until = value, t.now().Add(lasts-early)
	return value, nil
}

// ask fetches a token. Nothing has happened to any parcel, whatever comes of it.
func (t *tokens) ask(ctx context.Context) (value string, lasts time.Duration, err error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {t.id}, "client_secret": {t.secret}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := t.line.Do(ctx, tokenOp, request)
	failed := &shipping.CarrierError{Carrier: Name, Op: tokenOp, Outcome: shipping.Unavailable, Err: err}
	if err != nil {
		return "", 0, failed
	}
	switch answer.Status {
	case http.StatusOK:
		var given struct {
			Token   string `json:"access_token"`
			Seconds int    `json:"expires_in"`
		}
		if err := json.Unmarshal(answer.Body, &given); err != nil || given.Token == "" {
			failed.Err = errors.New("the answer has no token")
			return "", 0, failed
		}
		return given.Token, time.Duration(given.Seconds) * time.Second, nil
	case http.StatusUnauthorized, http.StatusBadRequest, http.StatusUnprocessableEntity:
		failed.Outcome = shipping.Locked
	} // 403 says that tokens were asked for too often, and passes
	failed.Code, failed.Text = words(answer)
	return "", 0, failed
}

// words are the code and the text of an error; the status where it has no code.
func words(answer shipping.Answer) (code, text string) {
	var r reply
	if json.Unmarshal(answer.Body, &r) != nil {
		return strconv.Itoa(answer.Status), ""
	}
	if len(r.Errors) > 0 && r.Errors[0].Code != "" {
		return r.Errors[0].Code, r.Errors[0].Message
	}
	return strconv.Itoa(answer.Status), r.Description
}
