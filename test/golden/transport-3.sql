PRAGMA application_id = 1195922546;
CREATE TABLE seats (
  owner TEXT NOT NULL, network TEXT NOT NULL, key TEXT NOT NULL, room TEXT NOT NULL, nick TEXT NOT NULL, password TEXT,
  clients TEXT NOT NULL, PRIMARY KEY (owner, network, key)
) WITHOUT ROWID;
CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE messages (
  n INTEGER PRIMARY KEY AUTOINCREMENT, room INTEGER NOT NULL REFERENCES rooms, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL,
  nick TEXT NOT NULL, owner TEXT, mid TEXT NOT NULL, body TEXT NOT NULL, payload TEXT NOT NULL
);
CREATE INDEX messages_of_room ON messages (room, n);
CREATE INDEX messages_by_age ON messages (at);
CREATE INDEX messages_by_sender ON messages (mid, room) WHERE owner IS NOT NULL;
CREATE TABLE foreign_ids (
  id TEXT NOT NULL, room INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (id, room)
) WITHOUT ROWID;
CREATE INDEX foreign_ids_by_place ON foreign_ids (n);
INSERT INTO seats (owner, network, key, room, nick, password, clients) VALUES ('anna@corp.example', 'a.example', 'a.example #tea', '#Tea', 'anna', 'sealed', '[["anna@corp.example/desk","#tea%a.example@net.corp.example"]]');
INSERT INTO seats (owner, network, key, room, nick, password, clients) VALUES ('bert@corp.example', 'a.example', 'a.example #tea', '#Tea', 'bert', NULL, '[]');
INSERT INTO rooms (id, name) VALUES (1, 'a.example #tea');
INSERT INTO messages (n, room, id, at, nick, owner, mid, body, payload) VALUES (1, 1, 'QAEC-first', 1766000000000, 'otto', NULL, 'QAEC-first', 'Hello & welcome', '<body>Hello &amp; welcome</body>');
INSERT INTO messages (n, room, id, at, nick, owner, mid, body, payload) VALUES (2, 1, 'QAEC-second', 1766000001000, 'anna', 'anna@corp.example', 'm-1', 'Thanks', '<body>Thanks</body><origin-id xmlns=''urn:xmpp:sid:0'' id=''m-1''/>');
INSERT INTO foreign_ids (room, id, n) VALUES (1, 'net-1', 1);
INSERT INTO foreign_ids (room, id, n) VALUES (1, 'net-2a', 2);
INSERT INTO foreign_ids (room, id, n) VALUES (1, 'net-2b', 2);
CREATE TABLE ahead (applied INTEGER NOT NULL);
INSERT INTO ahead (applied) VALUES (7);
PRAGMA user_version = 3;
