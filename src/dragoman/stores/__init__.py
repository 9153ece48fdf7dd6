"""Where state lives: Protocols and the backends behind them."""
