// PouchDB on both ends of a weak link, for bench/weak_link_pouchdb.py:
//   node pouchdb.js fill DATABASE CASES      each case a document, its files attachments of it
//   node pouchdb.js serve FOLDER HOST PORT   databases in FOLDER, spoken to as PouchDB speaks to a CouchDB
//   node pouchdb.js push DATABASE URL BATCH  until all of it is there, so many documents at a time
//   node pouchdb.js list DATABASE            what it holds: a line of JSON for each document
'use strict';

const fs = require('fs');
const path = require('path');
const PouchDB = require('pouchdb');

const TYPES = { '.jpg': 'image/jpeg', '.webp': 'image/webp' };

async function fill(database, cases) {
  const db = new PouchDB(database);
  for (const name of fs.readdirSync(cases).sort()) {
    const folder = path.join(cases, name);
    const doc = { _id: name, ...JSON.parse(fs.readFileSync(path.join(folder, 'form.json'), 'utf8')), _attachments: {} };
    for (const file of fs.readdirSync(folder).filter((file) => path.extname(file) in TYPES)) {
      const data = fs.readFileSync(path.join(folder, file));
      doc._attachments[file] = { content_type: TYPES[path.extname(file)], data };
    }
    await db.put(doc);
  }
  await db.close();
}

function serve(folder, host, port) {
  const Served = PouchDB.defaults({ prefix: folder + path.sep });
  require('express-pouchdb')(Served, { mode: 'minimumForPouchDB' }).listen(Number(port), host);
}

async function push(database, url, batch) {
  const done = await new PouchDB(database).replicate.to(url, { batch_size: Number(batch), retry: true });
  process.exit(done.ok && done.doc_write_failures === 0 ? 0 : 1);
}

async function list(database) {
  const found = await new PouchDB(database).allDocs({ include_docs: true });
  for (const { doc } of found.rows) {
    const files = Object.entries(doc._attachments || {}).map(([name, { length, digest }]) => [name, length, digest]);
    console.log(JSON.stringify([doc._id, doc._rev, files.sort()]));
  }
}

const [verb, ...words] = process.argv.slice(2);
Promise.resolve({ fill, serve, push, list }[verb](...words)).catch((fault) => {
  console.error(fault);
  process.exit(1);
});
