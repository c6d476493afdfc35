"""How the network of many manners is learned: style pictures, pens' own manners, losses, a trainer that resumes."""
