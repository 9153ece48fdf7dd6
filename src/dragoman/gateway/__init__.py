"""The shell around the core: an HTTP server that speaks the callers' dialects. It adds who may and who pays, never how."""
