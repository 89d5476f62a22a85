package socket

// queue is what waits to be written to one connection: control frames first, then the critical lane in order,
// then the newest of each key of the droppable lane. Its methods need the connection's lock.
type queue struct {
	control  []byte // whole frames
	critical []Message
	first    int // index in critical of the oldest that waits
	newest   []keyed
	bytes    int // of messages that wait, in both lanes
}

type keyed struct {
	key     string
	message Message
}

func (q *queue) push(m Message) {
	q.critical = append(q.critical, m)
	q.bytes += m.size()
}

// offer keeps a droppable message in place of the one before it.
func (q *queue) offer(key string, m Message) {
	q.bytes += m.size()
	for i := range q.newest {
		if q.newest[i].key == key {
			q.bytes -= q.newest[i].message.size()
			q.newest[i].message = m
			return
		}
	}
	q.newest = append(q.newest, keyed{key, m})
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
		q.bytes -= m.size()
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
