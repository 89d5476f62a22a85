package showchat

import "github.com/google/uuid"

// Waiting is how many messages of a show wait for the next group.
func (s *Service) Waiting(showID uuid.UUID) int { return s.posts.Waiting(showID) }
