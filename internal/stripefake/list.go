package stripefake

import (
	"slices"
	"strconv"
)

// listing is a page of resources, newest first.
type listing struct {
	Object  string     `json:"object"`
	URL     string     `json:"url"`
	HasMore bool       `json:"has_more"`
	Data    []resource `json:"data"`
}

// list answers one page of a kind: limit, starting_after, ending_before, created and the endpoint's filter.
func list[T resource](c *call, kind, url string, keep func(T) bool) (any, *apiError) {
	limit, problem := c.form.integer("limit", 10)
	if problem != nil {
		return nil, problem
	}
	if limit < 1 || limit > 100 {
		return nil, invalid("limit", "", "Invalid limit: it must be between 1 and 100.")
	}
	window, problem := createdWindow(c.form)
	if problem != nil {
		return nil, problem
	}
	ids := c.store.byKind[kind]
	from, to := 0, len(ids)
	after, before := c.form.str("starting_after"), c.form.str("ending_before")
	if after != "" {
		if to = position(ids, after); to < 0 {
			return nil, notFound("starting_after", kind, after)
		}
	}
	if before != "" {
		at := position(ids, before)
		if at < 0 {
			return nil, notFound("ending_before", kind, before)
		}
		from = at + 1
	}
	page := listing{Object: "list", URL: url, Data: []resource{}}
	take := func(id string) (full bool) {
		r, ok := lookup[T](c.store, id)
		if !ok || !window.holds(r.head().Created) || !keep(r) {
			return false
		}
		if page.HasMore = int64(len(page.Data)) == limit; !page.HasMore {
			page.Data = append(page.Data, r)
		}
		return page.HasMore
	}
	if before == "" {
		for i := to - 1; i >= from && !take(ids[i]); i-- {
		}
		return page, nil
	}
	for i := from; i < to && !take(ids[i]); i++ {
	}
	slices.Reverse(page.Data)
	return page, nil
}

func position(ids []string, id string) int {
	for i, each := range slices.Backward(ids) {
		if each == id {
			return i
		}
	}
	return -1
}

// window is created=… or created[gt|gte|lt|lte]=….
type window struct{ from, to int64 }

func (w window) holds(t int64) bool { return t >= w.from && t <= w.to }

func createdWindow(f *form) (window, *apiError) {
	w := window{0, 1<<62 - 1}
	created := f.at("created")
	bound := func(text string) (int64, *apiError) {
		t, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, invalid("created", "parameter_invalid_integer", "Invalid integer: "+text)
		}
		return t, nil
	}
	if created.set {
		t, problem := bound(created.value)
		return window{t, t}, problem
	}
	for name, n := range created.children {
		t, problem := bound(n.value)
		if problem != nil {
			return w, problem
		}
		switch name {
		case "gte":
			w.from = max(w.from, t)
		case "gt":
			w.from = max(w.from, t+1)
		case "lte":
			w.to = min(w.to, t)
		case "lt":
			w.to = min(w.to, t-1)
		default:
			return w, invalid("created", "parameter_unknown", "Received unknown parameter: created["+name+"]")
		}
	}
	return w, nil
}
