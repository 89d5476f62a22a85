package cluster

// Abandon lets go of the lock and leaves the server running, as an owner does whose death signal was
// lost.
func (c *Cluster) Abandon() {
	_ = c.lock.Close()
	c.lock = nil
}
