"""What users of the library call: argument lists over the router, and typed results. Exported by `dragoman` itself."""
