PRAGMA application_id = 1195922497;
CREATE TABLE run (one INTEGER PRIMARY KEY CHECK (one = 1), source TEXT NOT NULL, reserved INTEGER NOT NULL, mark INTEGER NOT NULL,
     ended INTEGER NOT NULL, announcement TEXT NOT NULL, announced INTEGER NOT NULL) STRICT;
CREATE TABLE owed (id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL, xml TEXT NOT NULL,
     aside INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE held (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, rule TEXT) STRICT;
INSERT INTO run (one, source, reserved, mark, ended, announcement, announced) VALUES (1, '5e1f0a44b7d04f5a9a3b2c1d0e9f8a7b', 2000, 9, 0, '<source at=''2026-11-22T09:00:00.000Z'' node=''n'' software=''s'' helper=''transport-1'' hosts=''irc.corp.example''/>', 1);
INSERT INTO owed (id, source, n, kind, xml, aside) VALUES (1, '5e1f0a44b7d04f5a9a3b2c1d0e9f8a7b', 5, 'settle', '<settle n=''5'' outcome=''bounced'' at=''2026-11-22T10:00:00.000Z''/>', 0);
INSERT INTO owed (id, source, n, kind, xml, aside) VALUES (2, '5e1f0a44b7d04f5a9a3b2c1d0e9f8a7b', 6, 'ask', '<ask n=''6'' direction=''received'' via=''network'' network=''irc'' server=''irc.example.org'' nick=''Paris'' at=''2026-11-22T10:00:01.000Z'' spooled=''true''><forwarded xmlns=''urn:xmpp:forward:0''><message xmlns=''jabber:client'' from=''#garden%irc.example.org@irc.corp.example/Paris'' to=''#garden%irc.example.org@irc.corp.example'' type=''groupchat'' id=''g1''><body>said unasked</body></message></forwarded></ask>', 0);
INSERT INTO owed (id, source, n, kind, xml, aside) VALUES (3, '5e1f0a44b7d04f5a9a3b2c1d0e9f8a7b', 6, 'settle', '<settle n=''6'' outcome=''unscreened'' at=''2026-11-22T10:00:01.000Z''/>', 0);
INSERT INTO owed (id, source, n, kind, xml, aside) VALUES (4, '5e1f0a44b7d04f5a9a3b2c1d0e9f8a7b', 0, 'outage', '<outage from=''7'' to=''9'' count=''3'' outcome=''bounced'' rule=''not-on-irc'' at=''2026-11-22T10:00:02.000Z''/>', 0);
INSERT INTO owed (id, source, n, kind, xml, aside) VALUES (5, '5e1f0a44b7d04f5a9a3b2c1d0e9f8a7b', 4, 'settle', '<settle what=''policy could not read this''/>', 1);
INSERT INTO held (one, id, rule) VALUES (1, 'h-1', 'not-on-irc');
PRAGMA user_version = 1;
