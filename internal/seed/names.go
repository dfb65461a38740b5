package seed

// origin is where people come from: how they are called and what they speak.
type origin struct {
	// share is how many in a hundred come from there.
	share       int
	language    string
	women, men  []string
	surnames    []string
	twoSurnames bool
}

// origins lists given and family names that are common in each place; they are
// put together by chance.
func origins() []origin {
	return []origin{
		{76, "es-ES", []string{
			"María Dolores", "Carmen", "Josefa", "Isabel", "Pilar", "Ángeles", "Concepción", "Teresa", "Encarnación",
			"Mercedes", "Rosario", "Francisca", "Antonia", "Manuela", "Julia", "Consuelo", "Amparo", "Milagros", "Remedios",
			"Esperanza", "Asunción", "Inmaculada", "Purificación", "Ascensión", "Victoria", "Luisa", "Rafaela", "Ramona",
			"Felisa", "Aurora", "Emilia", "Gloria", "Elvira", "Soledad", "Begoña", "Lucía", "Inés", "Matilde", "Nieves", "Trinidad",
		}, []string{
			"Antonio", "José", "Manuel", "Francisco", "Juan José", "Ángel", "Jesús", "Rafael", "Miguel", "Pedro", "Ramón",
			"Joaquín", "Andrés", "Julián", "Vicente", "Tomás", "Agustín", "Félix", "Gregorio", "Emilio", "Eusebio", "Germán",
			"Hilario", "Lorenzo", "Mariano", "Nicolás", "Santiago", "Sebastián", "Fermín", "Eugenio", "Benito", "César",
		}, []string{
			"García", "Martínez", "López", "Sánchez", "Rodríguez", "Fernández", "Gómez", "Ruiz", "Díaz", "Hernández", "Álvarez",
			"Moreno", "Muñoz", "Romero", "Alonso", "Gutiérrez", "Navarro", "Torres", "Domínguez", "Vázquez", "Ramos", "Gil",
			"Ramírez", "Serrano", "Blanco", "Molina", "Morales", "Suárez", "Ortega", "Delgado", "Castro", "Ortiz", "Rubio",
			"Marín", "Sanz", "Núñez", "Iglesias", "Medina", "Garrido", "Cortés", "Castillo", "Santos", "Lozano", "Guerrero",
			"Cano", "Prieto", "Méndez", "Cruz", "Calvo", "Gallego", "Vidal", "León", "Márquez", "Herrera", "Peña", "Flores",
			"Cabrera", "Campos", "Vega", "Fuentes", "Carrasco", "Reyes", "Caballero", "Nieto", "Aguilar", "Pascual", "Ibáñez",
		}, true},
		{5, "ca-ES", []string{"Montserrat", "Núria", "Mercè", "Assumpció", "Roser", "Neus"}, []string{"Jordi", "Josep", "Ramon", "Joan", "Martí"},
			[]string{"Puig", "Ferrer", "Soler", "Roca", "Serra", "Vila", "Bosch", "Casals", "Pujol"}, true},
		{4, "gl-ES", []string{"Sabela", "Uxía", "Carme", "Rosalía", "Dolores"}, []string{"Anxo", "Xosé", "Brais", "Manuel"},
			[]string{"Castro", "Pereira", "Rivas", "Otero", "Lago", "Varela", "Seoane"}, true},
		{4, "eu-ES", []string{"Miren", "Arantxa", "Itziar", "Edurne", "Begoña"}, []string{"Iñaki", "Koldo", "Jon", "Andoni", "Xabier"},
			[]string{"Etxeberria", "Agirre", "Zubizarreta", "Goñi", "Ibarra", "Mendizabal"}, true},
		{3, "en-GB", []string{"Margaret", "Dorothy", "Jean", "Eileen", "Siân"}, []string{"Kenneth", "Ronald", "Derek", "Seán"},
			[]string{"Walker", "Hughes", "Thompson", "O'Brien", "Shaw"}, false},
		{3, "de-DE", []string{"Käthe", "Ursula", "Hannelore"}, []string{"Jürgen", "Günther", "Horst", "Heinz"},
			[]string{"Müller", "Schäfer", "Groß", "Krüger", "Weiß"}, false},
		{2, "fr-FR", []string{"Hélène", "Geneviève", "Françoise", "Odile"}, []string{"René", "François", "Gérard", "Noël"},
			[]string{"Lefèvre", "Bénard", "Moreau", "Garçon"}, false},
		{2, "pt-PT", []string{"Conceição", "Fátima", "Lurdes"}, []string{"João", "Joaquim", "António"},
			[]string{"Gonçalves", "Simões", "Araújo", "Magalhães"}, true},
		{1, "ro-RO", []string{"Ileana", "Măriuca", "Elisabeta"}, []string{"Ștefan", "Gheorghe", "Cătălin"},
			[]string{"Ionescu", "Stănescu", "Munteanu"}, false},
	}
}

// nicknames are what those are called who have the name, where it is usual.
func nicknames() map[string]string {
	return map[string]string{
		"María Dolores": "Lola", "Josefa": "Pepa", "Concepción": "Concha", "Encarnación": "Encarna", "Rosario": "Charo",
		"Francisca": "Paquita", "Consuelo": "Chelo", "Inmaculada": "Inma", "Purificación": "Puri", "Asunción": "Asun",
		"Remedios": "Reme", "José": "Pepe", "Francisco": "Paco", "Manuel": "Manolo", "Jesús": "Chus", "Juan José": "Juanjo",
		"Montserrat": "Montse", "Margaret": "Peggy", "Kenneth": "Ken", "Ronald": "Ron",
	}
}

// prescribers are the doctors who look after the home.
func prescribers() []string {
	return []string{"Dr. Carlos Rivas Soto", "Dr. Beatriz Núñez Alba", "Dr. Ignacio Ferrer Mas", "Dr. Sonia Bravo Peñalver", "Dr. Hugo Lamas Vieira"}
}
