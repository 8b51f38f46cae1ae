// SPDX-License-Identifier: MPL-2.0
// dnsdist's configuration, Lua and YAML, as people write it: our part goes in and out, and the rest stays byte for byte.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { NnoeError } from '../../host/errors.js';
import { addLine, note, removeLine } from './lua-edit.js';
import { addRule, removeRule } from './yaml-edit.js';

const usual = { script: '/usr/share/nnoe/nnoe.lua', directory: '/var/lib/nnoe/tables', fail: 'open' };
const line = 'dofile("/usr/share/nnoe/nnoe.lua")({ directory = "/var/lib/nnoe/tables", fail = "open" })';
const lua = (text: string, wanted = {}) => addLine('dnsdist.conf', text, usual, wanted);
const yaml = (text: string, wanted = {}) => addRule('dnsdist.yml', text, usual, wanted);
const outOfLua = (text: string) => removeLine('dnsdist.conf', text).text;
const outOfYaml = (text: string) => removeRule('dnsdist.yml', text).text;

function refused(work: () => unknown, said: string): void {
  let thrown: unknown;
  try {
    work();
  } catch (error) {
    thrown = error;
  }
  assert.instance(thrown, NnoeError, `${thrown}: ${said}`);
  assert.ok(String(thrown).includes(said), `${thrown}: ${said}`);
}

for (const [what, text, before] of [
  ['an empty file', '', ''],
  ['rules', 'addAction(AllRule(), DropAction())', ''],
  [
    'a heading',
    '-- of the site\n-- and more\n\n-- rules\nsetLocal("x")\n',
    '-- of the site\n-- and more\n\n',
  ],
  ['CRLF', '-- of the site\r\n\r\nsetLocal("x")\r\n', '-- of the site\r\n\r\n'],
  ['a long comment', '--[[ of\nthe site ]]\nsetLocal("x")\n', ''],
  ['our line in comments', `-- ${line}\n--[==[\n${line}\n]==]\nx = [[ -- ]]\n`, ''],
  ['bytes that are not UTF-8', 'x = "\xe9" -- \xff\n', ''],
] as const)
  test(`Lua, in and out again: ${what}`, () => {
    const { text: after, bridge } = lua(text);
    assert.equal(bridge, usual);
    assert.is(
      after.replaceAll('\r', ''),
      `${before}${note}\n${line}\n\n${text.slice(before.length)}`.replaceAll('\r', ''),
    );
    assert.is(lua(after).text, after, 'twice changes nothing');
    assert.is(outOfLua(after), text, 'and out again');
    assert.is(outOfLua(text), text, 'nothing to take out');
  });

test('Lua: a line that stands there stays where it is, and as it is but for what is asked for', () => {
  const text = `setLocal("x")\ndofile ( '/opt/nnoe.lua' ) ( {\n  -- fail = "x"\n  fail = 'closed', sampling = 0.1,\n} ); -- ours\n`;
  assert.equal(lua(text), { text, bridge: { script: '/opt/nnoe.lua', fail: 'closed' } });
  assert.is(lua(text, { fail: 'open' }).text, text.replace("'closed'", '"open"'));
  assert.is(lua(text, { script: '/x/nnoe.lua' }).text, text.replace('/opt/', '/x/'));
  const { text: more } = lua(text, { directory: '/t "é"' });
  assert.is(Buffer.from(more, 'latin1').toString(), text.replace('( {', '( { directory = "/t \\"é\\"",'));
  assert.is(outOfLua(text), 'setLocal("x")\n');
  const none = line.replace('" }', '", decisions = false }');
  assert.equal(lua(none).bridge, { ...usual, decisions: 'false' });
});

test('Lua: what cannot be changed without a guess is refused, with its line', () => {
  refused(() => lua('x = 1\nlocal nnoe = dofile("/x/nnoe.lua")\n'), 'line 2: found nnoe.lua in other words');
  refused(() => lua(`if x then ${line} end`), 'line 1: found nnoe.lua in other words');
  refused(() => lua(`${line}\n${line}\n`), 'line 2: found nnoe.lua a second time');
  refused(
    () => outOfLua('pcall(dofile, "/x/nnoe.lua")'),
    'expected dofile("…/nnoe.lua")({ … }) on lines of its own',
  );
});

const rules = `# of the site
binds:
  - listen_address: "127.0.0.1:53"   # loopback
query_rules:
    # the first
    - name: "x"
      selector: { type: "All" }
      action: { type: "Drop" } # all
`;

for (const [what, text] of [
  ['an empty file', ''],
  ['a comment', '# nothing yet\n'],
  ['other keys, no newline at the end', 'binds:\n  - listen_address: "x"'],
  ['a document that ends', '---\nbinds:\n  - listen_address: "x"\n# so\n'],
  ['rules', rules],
] as const)
  test(`YAML, in and out again: ${what}`, () => {
    const { text: after, bridge } = yaml(text);
    assert.equal(bridge, usual);
    const before = parse(text) ?? {};
    const { query_rules: all, ...rest } = parse(after);
    assert.equal(all[0].action, { type: 'LuaFFIPerThread', code: `return ${line}\n` });
    assert.equal(
      [all.slice(1), rest],
      [before.query_rules ?? [], { ...before, query_rules: undefined }].map((each) =>
        JSON.parse(JSON.stringify(each)),
      ),
    );
    assert.is(yaml(after).text, after, 'twice changes nothing');
    assert.is(outOfYaml(after), text === '' || text.endsWith('\n') ? text : `${text}\n`, 'and out again');
    assert.is(outOfYaml(text), text, 'nothing to take out');
  });

test('YAML: a rule that stands there stays as it is but for what is asked for; one behind it stays', () => {
  const text = `${rules}    - action:\n        code: |\n          -- ours\n          ${`return ${line}`}\n        type: LuaFFIPerThread\n    - name: y\n`;
  assert.equal(yaml(text), { text, bridge: usual });
  assert.is(yaml(text, { fail: 'closed' }).text, text.replace('"open"', '"closed"'));
  assert.is(outOfYaml(text), `${rules}    - name: y\n`);
});

test('YAML: what cannot be changed without a guess is refused, with its line', () => {
  refused(
    () => yaml('a: 1\nquery_rules: []\n'),
    'line 2: found query_rules without a rule on lines of its own',
  );
  refused(() => yaml('query_rules: [{name: x}]\n'), 'line 1: found query_rules without a rule');
  refused(() => yaml('{ binds: [] }'), 'line 1: found no block of keys');
  refused(() => yaml('- a\n'), 'line 1: found no block of keys');
  refused(() => yaml('a: 1\nb: [\n'), 'expected YAML');
  refused(
    () => yaml('query_rules:\n  - name: nnoe\n    action: {type: Lua, code: "return x"}\n'),
    'line 3: found a rule "nnoe"',
  );
  refused(() => yaml('a: 1\n---\nb: 2\n'), 'expected YAML');
});

test.run();
