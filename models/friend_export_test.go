package models

// Queries of lists, for what servers make of them.
func (s *Store) FriendsQuery() string { return s.friendsQuery() }
func (s *Store) BlocksQuery() string  { return s.blocksQuery() }
func (s *Store) InVainQuery() string  { return s.inVainQuery() }
