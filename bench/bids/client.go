//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// client is one bidder's connection: HTTP/1.1, kept alive, and no more of it than the server's answers need, so that the cores are
// left to what is measured.
type client struct {
	conn   net.Conn
	in     *bufio.Reader
	head   string // of every request, up to its length
	buffer []byte
}

const patience = time.Minute // for an answer

func (b *bench) clients(ctx context.Context, addr string, count int) ([]*client, error) {
	clients := make([]*client, 0, count)
	for i := range count {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			closeAll(clients)
			return nil, err
		}
		clients = append(clients, newClient(conn, addr, b.market.tokens[i]))
	}
	return clients, nil
}

func newClient(conn net.Conn, addr, token string) *client {
	return &client{
		conn: conn, in: bufio.NewReader(conn),
		head: "POST /graphql HTTP/1.1\r\nHost: " + addr + "\r\nContent-Type: application/json\r\nAuthorization: Bearer " + token + "\r\nContent-Length: ",
	}
}

func closeAll(clients []*client) {
	for _, c := range clients {
		_ = c.conn.Close()
	}
}

// bid sends the next bid on a lot, and gives the body of the answer, which holds until the next. Bids are sent in the order of their
// amounts; in which order the server comes to see them is its own.
func (c *client) bid(l *lot) ([]byte, error) {
	l.line.Lock()
	err := c.send(l.request(l.asked.Add(cent)))
	l.line.Unlock()
	if err != nil {
		return nil, err
	}
	return c.answer()
}

func (c *client) send(body []byte) error {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	c.buffer = append(c.buffer[:0], c.head...)
	c.buffer = strconv.AppendInt(c.buffer, int64(len(body)), 10)
	c.buffer = append(append(c.buffer, "\r\n\r\n"...), body...)
	_, err := c.conn.Write(c.buffer)
	return err
}

// answer reads a response that says how long it is.
func (c *client) answer() ([]byte, error) {
	status, err := c.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, errors.New("an answer that does not say how long it is")
	}
	c.buffer = append(c.buffer[:0], make([]byte, length)...)
	if _, err := io.ReadFull(c.in, c.buffer); err != nil {
		return nil, err
	}
	if !strings.Contains(status, " 200 ") {
		return nil, fmt.Errorf("%s %.300s", status, c.buffer)
	}
	return c.buffer, nil
}
