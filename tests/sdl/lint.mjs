// Lints the schema in a file by the recommended rules of graphql-eslint and those of
// Relay, and writes what it finds as JSON: {rules, findings}.

import { readFileSync } from 'node:fs';
import plugin from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';
import { buildSchema, isObjectType } from 'graphql';

const sdl = readFileSync(process.argv[2], 'utf8');
const values = Object.values(buildSchema(sdl).getTypeMap())
  .filter(type => isObjectType(type) && !type.getInterfaces().some(({ name }) => name === 'Node'))
  .map(({ name }) => name);

const rules = {
  ...plugin.configs['flat/schema-recommended'].rules,
  ...plugin.configs['flat/schema-relay'].rules,
  // A row has an id, and says so by being a Node. What wraps rows has none, nor have
  // values that are parts of a row: two of them are the same if they say the same.
  '@graphql-eslint/strict-id-in-types': ['error', { exceptions: { types: values } }],
  // Relay asks for edges where a list is paged. Lists that are always whole, such as
  // the days of a week, are plain ones.
  '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
};

const eslint = new ESLint({
  overrideConfigFile: true,
  overrideConfig: [
    {
      files: ['**/*.graphql'],
      languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: sdl } } },
      plugins: { '@graphql-eslint': plugin },
      rules,
    },
  ],
});

const findings = [];
for (const { messages } of await eslint.lintText(sdl, { filePath: 'schema.graphql' })) {
  for (const { ruleId, message, line, column } of messages) {
    findings.push({ rule: ruleId ?? 'parser', message, place: `${line}:${column}` });
  }
}
process.stdout.write(JSON.stringify({ rules: Object.keys(rules).length, findings }));
