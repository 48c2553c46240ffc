// placeholder header, replaced below
export const mutants = []
