package show

import (
	"context"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
)

const (
	maxCategories = 3
	maxScheduled  = 50 // shows of a host that have not begun: each is told to all followers
)

// category is a slug: words in lower case, joined by hyphens.
var category = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func isCategory(s string) bool { return len(s) <= 40 && category.MatchString(s) }

// Draft is what a host says of a show.
type Draft struct {
	Title       string
	Description string
	Cover       *uuid.UUID // a stored photo of the host's
	StartsAt    time.Time
	Categories  []string // slugs
	Language    Language // English where it is empty
}

// validate cleans the draft. A time that is not new may have passed.
func (d *Draft) validate(now time.Time, newTime bool) error {
	d.Title, d.Description = text.Clean(d.Title), text.Clean(d.Description)
	if d.Language == "" {
		d.Language = English
	}
	if d.Categories == nil {
		d.Categories = []string{}
	}
	titleLength := utf8.RuneCountInString(d.Title)
	switch {
	case titleLength < 3 || titleLength > 140 || !text.IsLine(d.Title):
		return ErrTitle.At("title")
	case utf8.RuneCountInString(d.Description) > 5000:
		return catalog.ErrDescriptionLength.At("description")
	case !text.IsProse(d.Description):
		return catalog.ErrTextControl.At("description")
	case newTime && (d.StartsAt.Before(now.Add(-time.Minute)) || d.StartsAt.After(now.AddDate(1, 0, 0))):
		return ErrStartsAt.At("startsAt")
	case !slices.Contains([]Language{Arabic, English, French}, d.Language):
		return ErrLanguage.At("language")
	}
	sorted := slices.Sorted(slices.Values(d.Categories))
	if len(sorted) > maxCategories || len(slices.Compact(sorted)) < len(d.Categories) || !every(d.Categories, isCategory) {
		return ErrCategories.At("categories")
	}
	return nil
}

func every[T any](items []T, ok func(T) bool) bool {
	return !slices.ContainsFunc(items, func(item T) bool { return !ok(item) })
}

// Create schedules a show; the host's followers are told.
func (s *Service) Create(ctx context.Context, host uuid.UUID, d Draft) (_ Show, err error) {
	if err := d.validate(s.clock.Now(), true); err != nil {
		return Show{}, err
	}
	defer fault.Wrap(&err, "schedule a show")
	return s.change(ctx, EventScheduled, func(tx pgx.Tx) (db.Show, error) {
		if err := s.q.ShowHostLock(ctx, tx, host.String()); err != nil {
			return db.Show{}, err
		}
		switch n, err := s.q.ShowsScheduled(ctx, tx, host); {
		case err != nil:
			return db.Show{}, err
		case n >= maxScheduled:
			return db.Show{}, ErrTooMany
		}
		if err := s.checkCoverTx(ctx, tx, host, d.Cover); err != nil {
			return db.Show{}, err
		}
		row, err := s.q.ShowInsert(ctx, tx, db.ShowInsertParams{
			ID: id.New(), HostID: host, Title: d.Title, Description: d.Description, CoverID: d.Cover, StartsAt: d.StartsAt,
			Categories: d.Categories, Language: string(d.Language),
		})
		if err != nil {
			return db.Show{}, err
		}
		return row, s.announceTx(ctx, tx, row.ID, feed.ShowScheduled)
	})
}

func (s *Service) checkCoverTx(ctx context.Context, tx pgx.Tx, host uuid.UUID, cover *uuid.UUID) error {
	if cover == nil {
		return nil
	}
	return s.media.OwnTx(ctx, tx, host, *cover, "coverPhotoId")
}

// Edit is what changes of a show: what is nil stays.
type Edit struct {
	Title       *string
	Description *string
	Cover       *uuid.UUID
	StartsAt    *time.Time
	Categories  []string
	Language    *Language
}

// on is a show's draft after the edit.
func (e Edit) on(now Show) Draft {
	d := Draft{
		Title: now.Title, Description: now.Description, Cover: now.CoverID, StartsAt: now.StartsAt, Categories: now.Categories, Language: now.Language,
	}
	set(&d.Title, e.Title)
	set(&d.Description, e.Description)
	set(&d.StartsAt, e.StartsAt)
	set(&d.Language, e.Language)
	if e.Cover != nil {
		d.Cover = e.Cover
	}
	if e.Categories != nil {
		d.Categories = e.Categories
	}
	return d
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// Update changes what a host said of a show: its start until it has begun, all else until it has ended.
func (s *Service) Update(ctx context.Context, host, show uuid.UUID, e Edit) (_ Show, err error) {
	defer fault.Wrap(&err, "change show %s", show)
	return s.change(ctx, EventChanged, func(tx pgx.Tx) (db.Show, error) {
		now, err := s.LockTx(ctx, tx, host, show)
		switch {
		case err != nil:
			return db.Show{}, err
		case now.Status.Over():
			return db.Show{}, ErrOver
		case now.Status != Scheduled && e.StartsAt != nil:
			return db.Show{}, ErrNotScheduled.At("startsAt")
		}
		d := e.on(now)
		if err := d.validate(s.clock.Now(), e.StartsAt != nil); err != nil {
			return db.Show{}, err
		}
		if err := s.checkCoverTx(ctx, tx, host, e.Cover); err != nil {
			return db.Show{}, err
		}
		return s.q.ShowUpdate(ctx, tx, db.ShowUpdateParams{
			ID: show, Title: d.Title, Description: d.Description, CoverID: d.Cover, StartsAt: d.StartsAt, Categories: d.Categories,
			Language: string(d.Language),
		})
	})
}

// Start takes a scheduled show live; the host's followers are told.
func (s *Service) Start(ctx context.Context, host, show uuid.UUID) (_ Show, err error) {
	defer fault.Wrap(&err, "start show %s", show)
	return s.change(ctx, EventStarted, func(tx pgx.Tx) (db.Show, error) {
		if err := s.lockScheduledTx(ctx, tx, host, show); err != nil {
			return db.Show{}, err
		}
		row, err := s.q.ShowStart(ctx, tx, show)
		if err != nil {
			return db.Show{}, err
		}
		return row, s.announceTx(ctx, tx, show, feed.ShowLive)
	})
}

func (s *Service) lockScheduledTx(ctx context.Context, tx pgx.Tx, host, show uuid.UUID) error {
	now, err := s.LockTx(ctx, tx, host, show)
	if err == nil && now.Status != Scheduled {
		return ErrNotScheduled
	}
	return err
}

// change changes a show and tells its viewers.
func (s *Service) change(ctx context.Context, kind string, do func(pgx.Tx) (db.Show, error)) (Show, error) {
	var (
		now   Show
		event realtime.Event
	)
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		row, err := do(tx)
		if err != nil {
			return err
		}
		now = showOf(row)
		event, err = AppendTx(ctx, tx, row.ID, kind, Change{Show: &now})
		return err
	})
	if err != nil {
		return Show{}, err
	}
	s.hub.Publish(ctx, event)
	return now, nil
}
