package socket

import "slices"

// queue is what waits to be written to one connection: control frames first, then the critical lane in order,
// then the newest of each key of the droppable lane. Its methods need the connection's lock.
type queue struct {
	control  []byte // whole frames
	critical []Message
	first    int // index in critical of the oldest that waits
	newest   []keyed
	bytes    int // of the critical messages
	offered  int // of the droppable ones
}

type keyed struct {
	key     string
	message Message
}

func (q *queue) push(m Message) {
	q.critical = append(q.critical, m)
	q.bytes += m.size()
}

// offer keeps a droppable message in place of the one before it, and tells how many were dropped. Where the lane would hold
// more than most bytes, the key loses its place in it: a message that was overtaken is not what its reader should have. A
// message that is alone in the lane has room.
func (q *queue) offer(key string, m Message, most int) (dropped int) {
	if i := q.find(key); i >= 0 {
		q.offered -= q.newest[i].message.size()
		q.newest[i].message = m
		dropped++
	} else {
		q.newest = append(q.newest, keyed{key, m})
	}
	if q.offered += m.size(); q.offered > most && len(q.newest) > 1 {
		q.withdraw(key)
		dropped++
	}
	return dropped
}

// withdraw takes a key's message off the droppable lane, if one waits.
func (q *queue) withdraw(key string) (m Message, ok bool) {
	i := q.find(key)
	if i < 0 {
		return Message{}, false
	}
	m = q.newest[i].message
	q.offered -= m.size()
	q.newest = slices.Delete(q.newest, i, i+1)
	return m, true
}

func (q *queue) find(key string) int {
	return slices.IndexFunc(q.newest, func(k keyed) bool { return k.key == key })
}

func (q *queue) empty() bool {
	return len(q.control) == 0 && q.first == len(q.critical) && len(q.newest) == 0
}

// take moves frames into b until it holds about most bytes; at least one, where any waits.
func (q *queue) take(b []byte, most int) (_ []byte, messages int) {
	b = append(b, q.control...)
	q.control = q.control[:0]
	for q.first < len(q.critical) && (len(b) == 0 || len(b)+q.critical[q.first].size()+maxHeader <= most) {
		m := &q.critical[q.first]
		b = appendMessage(b, *m)
		q.bytes -= m.size()
		*m = Message{} // the parts are others' as well, and not to be kept alive from here
		q.first++
		messages++
	}
	if q.first < len(q.critical) {
		if q.first > len(q.critical)/2 { // a backlog that never ends must not grow its array
			q.critical = q.critical[:copy(q.critical, q.critical[q.first:])]
			q.first = 0
		}
		return b, messages
	}
	q.critical, q.first = q.critical[:0], 0
	if cap(q.critical) > keptSlots { // a backlog that is over
		q.critical = nil
	}
	for len(q.newest) > 0 && (len(b) == 0 || len(b)+q.newest[0].message.size()+maxHeader <= most) {
		m := q.newest[0].message
		b = appendMessage(b, m)
		q.offered -= m.size()
		q.newest[0] = keyed{}
		q.newest = q.newest[1:]
		messages++
	}
	if len(q.newest) == 0 {
		q.newest = nil
	}
	return b, messages
}

// drop forgets all messages.
func (q *queue) drop() { *q = queue{control: q.control} }

// keptSlots is how many places for messages an idle connection may keep.
const keptSlots = 16
