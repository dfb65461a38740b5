-- what the store keeps of each row's content; see docs/decisions/0009-row-digests.md
CREATE TABLE `row_digests` (`id` integer NOT NULL PRIMARY KEY, `digest` blob NOT NULL);
