-- What the cloud keeps of its cars: PostgreSQL 15 or later with TimescaleDB (its Apache build has all
-- that is used here). A line that begins with "-- migration" opens the next one; each runs once, in
-- order, in one transaction (migrate.ts). A migration that was released is never changed.
--
-- Keys. What a batch measured is known by (tenant, dev, store, number of the stream, seq): `store` is
-- the id of the gateway's data directory, as an empty SD card begins its seqs anew. The first four are
-- a row of `feeds`, so that a narrow row has 4 bytes of them and not 50. Every copy of a batch makes
-- the same keys, so it may come as often as it likes: ON CONFLICT DO NOTHING.
--
-- Times. A gateway measures microseconds since the start of an epoch (one start of its process), and
-- learns later, or better, when that was. A hypertable is cut by its time, so that time is part of
-- every unique index and must never change: a copy of a batch that was sent again after the gateway had
-- been told the right time would be another row. So `ts` = `epochs.base` + t, and the base of an epoch
-- is chosen once, by the transaction that first stores something of it, and never changed: the wall
-- clock as the gateway believed it then, or, where it did not, the time at which the first batch came.
-- What is known better later is in `clock_corrections`, and the views apply it: `wall` = ts + shift.
-- So `ts` is near enough to the truth for chunks and for retention, which goes by what is dropped at
-- once, and is no time to show to people: the views are.

-- Erasure. When a session is removed at its gateway, its driver, notes and consent go from `sessions`
-- in the transaction that learns of it, and what was measured in it goes soon after, from all
-- hypertables, but for what another session of that gateway covers. When an account is removed, its
-- name goes from `users`. What PostgreSQL deletes is in its files until they are vacuumed and the log
-- is recycled, and in every copy that somebody made of them; batches that nobody could store lie in the
-- broker's queue vigil.dead.

-- migration 1: tables, hypertables and views
CREATE EXTENSION IF NOT EXISTS timescaledb;

CREATE TABLE feeds (
  feed     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant   text NOT NULL,
  dev      text NOT NULL,
  store    text NOT NULL,
  number   integer NOT NULL,
  stream   text NOT NULL,
  name     text NOT NULL,
  unit     text NOT NULL, -- UCUM
  kind     text NOT NULL,
  hz       double precision NOT NULL,
  lsb      double precision, -- of waves: what a count is in the unit; it is in the values already
  states   jsonb,
  -- All seqs that are stored or known to be missing; several instances store in any order.
  received int8multirange NOT NULL DEFAULT '{}',
  -- The first seq that is still wanted: what is acknowledged to the gateway.
  next     bigint NOT NULL DEFAULT 0,
  UNIQUE (tenant, dev, store, number)
);

CREATE TABLE epochs (
  tenant text NOT NULL,
  dev    text NOT NULL,
  store  text NOT NULL,
  epoch  bigint NOT NULL,
  base   timestamptz NOT NULL, -- see above; never changed
  PRIMARY KEY (tenant, dev, store, epoch)
);

-- Appended, one for each time that a gateway was told the time; the last one of an epoch counts.
CREATE TABLE clock_corrections (
  tenant   text NOT NULL,
  dev      text NOT NULL,
  store    text NOT NULL,
  epoch    bigint NOT NULL,
  number   integer NOT NULL,
  seq      bigint NOT NULL,
  wall     timestamptz NOT NULL, -- at the start of the epoch
  trust    text NOT NULL,
  received timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, dev, store, epoch, number, seq)
);

-- Records of a gateway as they are now; `seq` is that of the newest.
CREATE TABLE sessions (
  tenant     text NOT NULL,
  dev        text NOT NULL,
  store      text NOT NULL,
  id         text NOT NULL,
  seq        bigint NOT NULL,
  data       jsonb NOT NULL,
  removed_at timestamptz, -- at the gateway: then the data are {}, and nothing changes it any more
  PRIMARY KEY (tenant, dev, store, id)
);
CREATE TABLE users (LIKE sessions INCLUDING ALL);
CREATE TABLE devices (LIKE sessions INCLUDING ALL);

-- Sessions that were removed, and of which it is not known yet what is to be erased (erasing.ts).
CREATE TABLE removals (
  tenant     text NOT NULL,
  dev        text NOT NULL,
  store      text NOT NULL,
  id         text NOT NULL,
  number     integer NOT NULL,
  seq        bigint NOT NULL, -- of the removal in the stream with that number
  spans      jsonb NOT NULL,
  removed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, dev, store, id)
);

-- Stretches of an epoch that a person had erased, microseconds since its start, and how far that is.
-- They stay, and say nothing of whom or why: what comes late of them is not stored.
CREATE TABLE erasures (
  erasure  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant   text NOT NULL,
  dev      text NOT NULL,
  store    text NOT NULL,
  epoch    bigint NOT NULL,
  from_us  bigint NOT NULL,
  to_us    bigint NOT NULL, -- exclusive
  at_feed  integer NOT NULL DEFAULT 0,
  at_seq   bigint NOT NULL DEFAULT 0,
  done_at  timestamptz
);
CREATE INDEX ON erasures (tenant, dev, store, epoch);
CREATE INDEX ON erasures (erasure) WHERE done_at IS NULL;

CREATE TABLE gaps (
  feed     integer NOT NULL,
  seq      bigint NOT NULL,
  n        bigint NOT NULL,
  reason   text NOT NULL, -- as the gateway tells, wire/batch.ts; elsewhere: acknowledged before this database was
  received timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (feed, seq, n)
);

CREATE TABLE eeg_data (
  feed  integer NOT NULL,
  epoch bigint NOT NULL,
  seq   bigint NOT NULL,
  ts    timestamptz NOT NULL,
  value double precision NOT NULL,
  UNIQUE (feed, seq, ts)
);
CREATE TABLE obd_data (LIKE eeg_data INCLUDING ALL);

-- A measure has a value, an event has data.
CREATE TABLE face_events (
  feed  integer NOT NULL,
  epoch bigint NOT NULL,
  seq   bigint NOT NULL,
  ts    timestamptz NOT NULL,
  value double precision,
  data  jsonb,
  UNIQUE (feed, seq, ts)
);
CREATE TABLE game_events (LIKE face_events INCLUDING ALL);
CREATE TABLE alerts (LIKE face_events INCLUDING ALL);
CREATE TABLE events (LIKE face_events INCLUDING ALL);

CREATE TABLE can_frames (
  feed     integer NOT NULL,
  epoch    bigint NOT NULL,
  seq      bigint NOT NULL,
  ts       timestamptz NOT NULL,
  id       integer NOT NULL,
  extended boolean NOT NULL,
  data     bytea NOT NULL,
  UNIQUE (feed, seq, ts)
);

-- A chunk a day of what is much, a week of what is little. The unique index serves reading by time
-- too: no index of the time alone, which would cost every row.
SELECT create_hypertable(name::regclass, 'ts', chunk_time_interval => width, create_default_indexes => false)
FROM (VALUES
  ('eeg_data', interval '1 day'), ('obd_data', interval '1 day'), ('can_frames', interval '1 day'),
  ('face_events', interval '7 days'), ('game_events', interval '7 days'),
  ('alerts', interval '7 days'), ('events', interval '7 days')
) AS tables (name, width);

-- How far the times of an epoch are to be moved.
CREATE VIEW epoch_clocks AS
SELECT e.tenant, e.dev, e.store, e.epoch, e.base,
  coalesce(c.wall - e.base, interval '0') AS shift,
  coalesce(c.trust, 'none') AS trust
FROM epochs e LEFT JOIN LATERAL (
  SELECT wall, trust FROM clock_corrections c
  WHERE (c.tenant, c.dev, c.store, c.epoch) = (e.tenant, e.dev, e.store, e.epoch)
  ORDER BY array_position(ARRAY['none', 'rtc', 'phone', 'ntp', 'gps'], c.trust) DESC NULLS LAST,
    c.seq DESC
  LIMIT 1
) c ON true;

-- One view a table, `<table>_corrected`: whose it is and what it means, and `wall`, its right time.
DO $$
DECLARE
  source text;
BEGIN
  FOREACH source IN ARRAY
    ARRAY['eeg_data', 'obd_data', 'face_events', 'game_events', 'alerts', 'events', 'can_frames']
  LOOP
    EXECUTE format(
      'CREATE VIEW %I AS
       SELECT f.tenant, f.dev, f.store, f.stream, f.unit, d.ts + c.shift AS wall, c.trust, d.*
       FROM %I d
       JOIN feeds f USING (feed)
       JOIN epoch_clocks c ON (c.tenant, c.dev, c.store, c.epoch) = (f.tenant, f.dev, f.store, d.epoch)',
      source || '_corrected', source);
  END LOOP;
END $$;
