"""The join: records of one source partition, folded into slices, the counters of one entity in one minute.

fold         the step: a batch of one topic into the state
state        what one source partition has folded
referrals    which influencer a referral belongs to, and what referrals without a share have brought
slice_table  counts and money by entity and minute
dedup        event ids seen before, and fingerprints of identities (siphash)
horizon      how old an event may be
feeds        heartbeats and the clock that they carry
emission     what a flush publishes
snapshot     the state as bytes, and back
"""
