package realtime

// inbox hands what the bus brings to the hub's topics. None of it blocks the bus's reader.
type inbox struct{ hub *Hub }

var _ receiver = inbox{}

func (i inbox) received(channel, payload string) {
	h := i.hub
	name, ok := topicIn(h.Epoch(), channel)
	if !ok {
		return // of an epoch that is over
	}
	if topic, ok := broadcastIn(name); ok {
		h.receiveBroadcast(topic, payload)
		return
	}
	t := h.topic(name)
	if t == nil {
		return // its last viewer has just left
	}
	e, node, err := decode(name, payload)
	switch {
	case err != nil:
		h.metrics.malformed.Inc()
	case node != h.node: // its own events the hub has already
		t.post(e)
	}
}

// watching has the topic's tail compared: what was published before the bus listened is missing.
func (i inbox) watching(channel string) {
	name, ok := topicIn(i.hub.Epoch(), channel)
	if _, broadcasts := broadcastIn(name); ok && !broadcasts {
		i.hub.poller.add(name)
	}
}

func (i inbox) healthy(healthy bool) {
	h := i.hub
	if h.healthy.Swap(healthy) == healthy {
		return
	}
	if healthy {
		h.metrics.healthy.Set(1)
		h.log.Info("redis pub/sub answers")
	} else {
		h.metrics.healthy.Set(0)
	}
	nudge(h.poller.wake) // the interval is another now
}
