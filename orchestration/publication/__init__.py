"""What readers get: releases and the reading copy of the warehouse."""
