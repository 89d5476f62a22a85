package auction

import "github.com/google/uuid"

// WaitingMax is how many bids wait for one lot.
const WaitingMax = waitingMax

// Waiting is how many bids wait for a lot, besides those that are being judged.
func (s *Service) Waiting(lot uuid.UUID) int { return s.bids.Waiting(lot) }
