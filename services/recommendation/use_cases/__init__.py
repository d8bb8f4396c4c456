"""What recommendation does: takes rules in, assembles lists, answers the desk, explains, picks targets."""
