package socket

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// maxBatch is how much of a backlog leaves in one write.
const maxBatch = 64 << 10

// batches are the buffers that writes are put together in.
var batches = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// writer moves a connection's queue to the network. Conn.mu guards it.
type writer struct {
	queue queue
	busy  bool          // a goroutine writes what the kernel did not take; it alone writes, until the queue is empty
	last  int           // the code of the close frame that ends the writing, 0 while it goes on
	room  chan struct{} // closed when a queue that was too full no longer is; nil where nobody waits

	// fd is for writing without waiting: -1 where the connection is not a plain socket (TLS), and once it is about to be
	// closed, for the number may then be another connection's.
	fd int
}

func (c *Conn) initWriter() {
	c.fd = -1
	var plain *net.TCPConn
	switch conn := c.net.(type) {
	case *net.TCPConn:
		plain = conn
	case interface{ TCP() *net.TCPConn }: // arrival.Conn
		plain = conn.TCP()
	default:
		return
	}
	_ = plain.SetWriteBuffer(c.sockets.config.SendBuffer)
	c.fd = descriptor(plain)
}

// Send queues messages of the critical lane, in order, and writes what the kernel takes. It does not wait. A peer that
// lets too much wait is closed with 1013.
func (c *Conn) Send(messages ...Message) {
	c.mu.Lock()
	if c.last != 0 {
		c.mu.Unlock()
		return
	}
	backlog := c.queue.bytes
	for _, m := range messages {
		c.queue.push(m)
	}
	c.unlockAndBound(backlog)
}

// SendEach is Send of a message for each body, between the same head and tail.
func (c *Conn) SendEach(head []byte, bodies [][]byte, tail []byte) {
	c.mu.Lock()
	if c.last != 0 {
		c.mu.Unlock()
		return
	}
	if !c.busy && c.fd >= 0 && c.queue.empty() { // as for most viewers at most times: past the queue
		c.unlockAndWriteEach(head, bodies, tail)
		return
	}
	backlog := c.queue.bytes
	for _, body := range bodies {
		c.queue.push(Message{head, body, tail})
	}
	c.unlockAndBound(backlog)
}

// unlockAndBound writes, or gives up a peer that has let too much wait. One large answer to a peer that is up to date
// is not too much.
func (c *Conn) unlockAndBound(backlog int) {
	if backlog == 0 || c.queue.bytes <= c.sockets.config.MaxQueue {
		c.unlockAndFlush()
		return
	}
	c.sockets.metrics.evicted.Inc()
	c.queue.drop()
	c.unlockAndEnd(websocket.CloseTryAgainLater, "cannot keep up")
}

// Room waits until at most half of the queue is taken: for who sends more than one peer's share, and can wait. It answers
// false where the connection ends first, or stop is closed.
func (c *Conn) Room(stop <-chan struct{}) bool {
	for {
		c.mu.Lock()
		if c.last != 0 {
			c.mu.Unlock()
			return false
		}
		if c.queue.bytes <= c.sockets.config.MaxQueue/2 {
			c.mu.Unlock()
			return true
		}
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		c.mu.Unlock()
		select {
		case <-room:
		case <-c.done:
			return false
		case <-stop:
			return false
		}
	}
}

// Offer queues a message of the droppable lane: while it waits, a newer one with its key takes its place. The lane holds a
// quarter of MaxQueue, beside the critical one.
func (c *Conn) Offer(key string, m Message) {
	c.mu.Lock()
	if c.last != 0 {
		c.mu.Unlock()
		return
	}
	if dropped := c.queue.offer(key, m, c.sockets.config.MaxQueue/4); dropped > 0 {
		c.sockets.metrics.dropped.Add(float64(dropped))
	}
	c.unlockAndFlush()
}

// Withdraw drops the message that waits with a key, if one does: nobody wants it any more.
func (c *Conn) Withdraw(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.withdraw(key)
}

// Conclude is Send of the last word about a key: behind the message that waits with it, which is not dropped any more.
func (c *Conn) Conclude(key string, last Message) {
	c.mu.Lock()
	if c.last != 0 {
		c.mu.Unlock()
		return
	}
	backlog := c.queue.bytes
	if m, ok := c.queue.withdraw(key); ok {
		c.queue.push(m)
	}
	c.queue.push(last)
	c.unlockAndBound(backlog)
}

// End closes the connection with a code once what waits is written. The first call counts.
func (c *Conn) End(code int, reason string) {
	c.mu.Lock()
	if c.last != 0 {
		c.mu.Unlock()
		return
	}
	c.unlockAndEnd(code, reason)
}

// unlockAndEnd makes a close frame the last thing that is written; a write that is stuck gets a short while more.
func (c *Conn) unlockAndEnd(code int, reason string) {
	c.last = code
	c.reason = reason
	stuck := c.busy
	c.unlockAndFlush()
	patience := time.Now().Add(c.sockets.config.LeaveTimeout)
	if stuck && code == websocket.CloseTryAgainLater {
		patience = time.Now().Add(evictPatience)
		_ = c.net.SetWriteDeadline(patience)
	}
	_ = c.net.SetReadDeadline(patience)
}

// evictPatience is how long a write that is stuck may take once its connection is given up.
const evictPatience = time.Second

// control queues a pong or a ping, before all messages.
func (c *Conn) control(kind int, payload []byte) {
	c.mu.Lock()
	if c.last != 0 || len(c.queue.control) > 4*maxControl { // a peer that pings faster than it reads
		c.mu.Unlock()
		return
	}
	c.queue.control = appendControl(c.queue.control, kind, payload)
	c.unlockAndFlush()
}

// unlockAndFlush writes, unless somebody does so already: they will see what was queued.
func (c *Conn) unlockAndFlush() {
	if c.busy {
		c.mu.Unlock()
		return
	}
	batch := batches.Get().(*[]byte)
	if c.fd < 0 {
		c.busy = true
		c.mu.Unlock()
		go c.flush(batch, nil)
		return
	}
	c.fill(batch)
	c.unlockAndWrite(batch)
}

// unlockAndWriteEach writes messages that nothing waits before.
func (c *Conn) unlockAndWriteEach(head []byte, bodies [][]byte, tail []byte) {
	batch := batches.Get().(*[]byte)
	b := (*batch)[:0]
	for i, body := range bodies {
		if len(b) > maxBatch {
			for _, body := range bodies[i:] {
				c.queue.push(Message{head, body, tail})
			}
			bodies = bodies[:i]
			break
		}
		b = appendMessage(b, Message{head, body, tail})
	}
	*batch = b
	c.sockets.metrics.wrote(len(b), len(bodies))
	c.unlockAndWrite(batch)
}

// unlockAndWrite writes a batch and whatever waits, as far as the kernel takes it now; the rest is left to a goroutine. The lock is
// held meanwhile, as none of it waits: that keeps the order, and the descriptor from being closed.
func (c *Conn) unlockAndWrite(batch *[]byte) {
	for len(*batch) > 0 {
		n, err := writeNow(c.fd, *batch)
		if err != nil {
			c.busy = true
			c.mu.Unlock()
			c.writeFailed(err)
			recycle(batch)
			return
		}
		if n < len(*batch) {
			c.busy = true
			c.mu.Unlock()
			go c.flush(batch, (*batch)[n:])
			return
		}
		c.fill(batch)
	}
	c.mu.Unlock()
	recycle(batch)
}

// flush writes what is left of a batch and whatever waits, and takes its time.
func (c *Conn) flush(batch *[]byte, left []byte) {
	defer recycle(batch)
	for {
		if len(left) > 0 {
			c.mu.Lock()
			if c.last != websocket.CloseTryAgainLater {
				_ = c.net.SetWriteDeadline(time.Now().Add(c.sockets.config.WriteTimeout))
			}
			c.mu.Unlock()
			if _, err := c.net.Write(left); err != nil {
				c.writeFailed(err)
				return
			}
		}
		c.mu.Lock()
		c.fill(batch)
		left = *batch
		if len(left) == 0 {
			c.busy = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
	}
}

// fill takes what waits into the batch; mu is held. After the close frame there is nothing more.
func (c *Conn) fill(batch *[]byte) {
	b, messages := c.queue.take((*batch)[:0], maxBatch)
	if c.last != 0 && c.queue.empty() && !c.said {
		c.said = true
		b = appendControl(b, websocket.CloseMessage, closePayload(c.last, c.reason))
	}
	*batch = b
	if c.room != nil && c.queue.bytes <= c.sockets.config.MaxQueue/2 {
		close(c.room)
		c.room = nil
	}
	if len(b) > 0 {
		c.sockets.metrics.wrote(len(b), messages)
	}
}

// writeFailed cuts the connection: a frame may have stopped in its middle. busy stays set, so that nobody writes again.
func (c *Conn) writeFailed(err error) {
	if !errors.Is(err, net.ErrClosed) {
		c.sockets.config.Log.Debug("a WebSocket's write failed", "error", err)
	}
	c.Cut()
}

func recycle(batch *[]byte) {
	if cap(*batch) <= 2*maxBatch {
		batches.Put(batch)
	}
}
