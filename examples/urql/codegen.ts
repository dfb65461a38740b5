import type { CodegenConfig } from '@graphql-codegen/cli';

// The schema of a running server, or a file: `carehome schema print > schema.graphql`.
const config: CodegenConfig = {
  schema: process.env.CAREHOME_SCHEMA ?? 'http://127.0.0.1:5000/graphql',
  documents: ['src/main.ts'],
  emitLegacyCommonJSImports: false,
  generates: {
    'src/gql/': {
      preset: 'client',
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        defaultScalarType: 'unknown',
        scalars: {
          Cursor: 'string',
          Date: 'string',
          Decimal: 'string',
          EventID: 'string',
          LocalDateTime: 'string',
          LocalTime: 'string',
          Time: 'string',
        },
      },
      presetConfig: { fragmentMasking: false },
    },
  },
};

export default config;
